import { IsochError } from "../index.js";

/** What the program tells its caller. */
export const exitStatus = { ok: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const;

/** Says what went wrong to whoever runs the program, and returns the exit status. Rethrows what is a bug. */
export function tell(error: unknown): number {
  if (!IsochError.is(error)) throw error;
  console.error(`rx-isoch: ${error.code}: ${error.message}`);
  return exitStatus.failed;
}
