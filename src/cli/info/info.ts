import { firstValueFrom, takeUntil, type Observable } from "rxjs";
import type { DeviceInfo } from "../../index.js";
import { listenToInterrupts } from "../interrupts.js";
import { exitStatus, tell } from "../outcome.js";
import { whileWaiting } from "../progress.js";
import { chalkFor } from "../terminal.js";
import { describeDevice } from "./description.js";
import { descriptionText } from "./description-text.js";

/** How {@link info} prints. */
export interface InfoOptions {
  /** Print the description as JSON. */
  readonly json: boolean;
}

/** Prints everything about a device, and returns the exit status. */
export async function info(device: Observable<DeviceInfo>, { json }: InfoOptions): Promise<number> {
  const interrupts = listenToInterrupts();
  try {
    const looked = firstValueFrom(device.pipe(takeUntil(interrupts.first)), { defaultValue: undefined });
    const found = await whileWaiting("Looking for the device…", looked);
    if (found === undefined) return interrupts.status;
    const description = describeDevice(found);
    console.log(json ? JSON.stringify(description) : descriptionText(description, chalkFor(process.stdout)));
    return exitStatus.ok;
  } catch (error) {
    return tell(error);
  }
}
