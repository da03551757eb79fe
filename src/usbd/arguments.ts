import { InvalidRequestError, UnsupportedError } from "../errors.js";
import { wholeNumber } from "../numbers.js";
import type { PipeSession } from "../session.js";

const dwordMax = 0xffff_ffff;

/** @throws {@link InvalidRequestError} `invalid-number` */
export function dword(name: string, value: number): number {
  return wholeNumber(name, value, 0, dwordMax);
}

/** @throws {@link InvalidRequestError} for what is no DWORD, and for bits outside `known` */
export function flags(dwFlags: number, known: number): number {
  const unknown = dword("dwFlags", dwFlags) & ~known;
  if (unknown === 0) return dwFlags;
  throw new InvalidRequestError(
    "invalid-option",
    `the flags 0x${(unknown >>> 0).toString(16)} mean nothing to this call: leave them out`,
  );
}

/** @throws {@link InvalidRequestError} for what does not have room for `count` DWORDs */
export function dwordsOut(name: string, array: Uint32Array, count = 1): Uint32Array {
  if (array instanceof Uint32Array && array.length >= count) return array;
  throw new InvalidRequestError("invalid-option", `${name} must be a Uint32Array with room for ${count} of them`);
}

/** @throws {@link UnsupportedError} where the transport cannot block */
export function checkBlocking({ capabilities }: PipeSession, what: string, instead: string): void {
  if (!capabilities.blocking) {
    throw new UnsupportedError("unsupported", `${what} blocks the program, which this transport cannot: ${instead}`);
  }
}
