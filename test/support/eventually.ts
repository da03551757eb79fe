import { vi } from "vitest";

/** Waits until a check does not throw any more, on a machine that is held up as well, and returns what it returns. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 20_000 });
}
