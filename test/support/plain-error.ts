import { catchError, throwError, type MonoTypeOperatorFunction } from "rxjs";
import { expect } from "vitest";
import { IsochError, type IsochErrorCode } from "../../src/index.js";

/** An error as a plain value: rxjs-marbles compares errors by name and message only. */
export interface PlainError {
  readonly class: string;
  readonly code: string;
  readonly message: string;
}

/** The class, code and message of an error of this library; of any other, what it is. What is plain stays as it is. */
export function plain(error: unknown): PlainError {
  if (isPlain(error)) return error;
  if (IsochError.is(error)) return { class: error.constructor.name, code: error.code, message: error.message };
  return {
    class: error instanceof Error ? error.constructor.name : typeof error,
    code: "none",
    message: String(error),
  };
}

function isPlain(error: unknown): error is PlainError {
  return typeof error === "object" && error !== null && "class" in error && "code" in error;
}

/** What `action` throws. */
export function thrown(action: () => unknown): PlainError {
  try {
    action();
  } catch (error) {
    return plain(error);
  }
  throw new Error("nothing was thrown");
}

/** What an error is expected to be: its class, its code, and a message with all of `parts` in it. */
export function failure(name: `${string}Error`, code: IsochErrorCode, ...parts: readonly string[]): PlainError {
  const pattern = parts.map((part) => `(?=[^]*${part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`).join("");
  return { class: name, code, message: expect.stringMatching(new RegExp(`^${pattern}`)) as string };
}

/** Passes everything on, errors as {@link PlainError}. */
export function plainErrors<T>(): MonoTypeOperatorFunction<T> {
  return catchError((error: unknown) => throwError((): unknown => plain(error)));
}
