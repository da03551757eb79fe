import { firstValueFrom, type Observable } from "rxjs";
import { DeviceError, type DeviceInfo } from "../../index.js";
import { exitStatus, tell } from "../outcome.js";
import { whileWaiting } from "../progress.js";
import { chalkForOutput, leaveWithOutput } from "../terminal.js";
import { describeDevice } from "./description.js";
import { descriptionText } from "./description-text.js";

/** How {@link info} prints. */
export interface InfoOptions {
  /** Print the description as JSON. */
  readonly json: boolean;
}

/** Prints everything about a device, and returns the exit status. */
export async function info(device: Observable<DeviceInfo>, { json }: InfoOptions): Promise<number> {
  leaveWithOutput();
  try {
    const found = await whileWaiting("Looking for the device…", firstValueFrom(device, { defaultValue: undefined }));
    if (found === undefined) throw new DeviceError("no-such-device", "nobody tells of a USB device here");
    const description = describeDevice(found);
    console.log(json ? JSON.stringify(description) : descriptionText(description, chalkForOutput()));
    return exitStatus.ok;
  } catch (error) {
    return tell(error);
  }
}
