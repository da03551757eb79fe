import { firstValueFrom, switchMap, takeUntil } from "rxjs";
import type { IsochTransport } from "../../index.js";
import { inspected } from "../inspected.js";
import { listenToInterrupts } from "../interrupts.js";
import { listingText } from "./listing-text.js";
import { listingOf } from "./listing.js";
import { exitStatus, tell } from "../outcome.js";
import { presentDevices, type Patience } from "../present-devices.js";
import { whileWaiting } from "../progress.js";
import { chalkFor } from "../terminal.js";

/** How {@link list} prints. */
export interface ListOptions {
  /** Print the listing as JSON. */
  readonly json: boolean;
  readonly patience?: Patience | undefined;
}

/** Prints the devices of a transport with their isochronous endpoints, and returns the exit status. */
export async function list(transport: IsochTransport, { json, patience }: ListOptions): Promise<number> {
  const interrupts = listenToInterrupts();
  try {
    const found = presentDevices(transport, patience).pipe(
      switchMap((present) => inspected(transport, present)),
      takeUntil(interrupts.first),
    );
    const looked = firstValueFrom(found, { defaultValue: undefined });
    const devices = await whileWaiting("Looking for devices…", looked);
    if (devices === undefined) return interrupts.status;
    const listing = listingOf(devices);
    console.log(json ? JSON.stringify(listing) : listingText(listing, chalkFor(process.stdout)));
    return exitStatus.ok;
  } catch (error) {
    return tell(error);
  }
}
