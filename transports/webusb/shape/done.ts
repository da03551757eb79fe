import { lastValueFrom, type Observable } from "rxjs";

/** A step on a device of a transport, begun now. */
export async function done(step: Observable<never>): Promise<void> {
  await lastValueFrom(step, { defaultValue: undefined });
}
