import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  map,
  of,
  take,
  throwError,
  toArray,
  type Observable,
} from "rxjs";
import { IsochError, openDevice, type DeviceInfo, type IsochTransport, type UsbDevice } from "../index.js";

/**
 * The devices with all that can be known of them. Over USB/IP a device tells its configurations and names
 * only to who opens it, so each is opened for that, one after the other, and closed again. What cannot be
 * opened, because somebody else has it for one, stays as it was.
 */
export function inspected(
  transport: IsochTransport,
  devices: readonly DeviceInfo[],
): Observable<readonly DeviceInfo[]> {
  return from(devices).pipe(
    concatMap((info) => (info.configurations.length > 0 ? of(info) : opened(transport, info))),
    toArray(),
  );
}

function opened(transport: IsochTransport, info: DeviceInfo): Observable<DeviceInfo> {
  return defer(() => {
    let device: UsbDevice | undefined;
    const looked = openDevice(transport, { id: info.id }).pipe(
      take(1),
      map((open) => {
        device = open;
        const { configurations } = open.info;
        return { ...open.info, configurations: configurations.length > 0 ? configurations : [open.configuration] };
      }),
    );
    return concat(
      looked,
      defer(() => device?.closed ?? EMPTY),
    ).pipe(
      catchError((error: unknown) =>
        IsochError.is(error) ? (device === undefined ? of(info) : EMPTY) : throwError(() => error),
      ),
    );
  });
}
