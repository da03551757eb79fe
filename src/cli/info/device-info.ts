import { map, switchMap, type Observable } from "rxjs";
import type { DeviceInfo, IsochTransport } from "../../index.js";
import { inspected } from "../inspected.js";
import { presentDevices, type Patience } from "../present-devices.js";
import { candidates, selectDevice } from "../select-device.js";

/**
 * All that is known of the device that is meant. Errors: what {@link selectDevice} throws; what the
 * transport fails with.
 */
export function deviceInfo(
  transport: IsochTransport,
  wanted: string | undefined,
  patience?: Patience,
): Observable<DeviceInfo> {
  return presentDevices(transport, patience).pipe(
    switchMap((present) => inspected(transport, candidates(present, wanted))),
    map((present) => selectDevice(present, wanted)),
  );
}
