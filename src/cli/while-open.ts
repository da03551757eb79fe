import { catchError, concat, defer, EMPTY, switchMap, takeWhile, tap, throwError, type Observable } from "rxjs";
import { openDevice, type UsbDevice } from "../index.js";
import { settled } from "../teardown.js";
import type { StreamTarget } from "./target.js";

/**
 * Opens the device of a target and does something with it, until that completes; completes, or errors, when
 * the device is closed again.
 */
export function whileOpen<T>(target: StreamTarget, use: (device: UsbDevice) => Observable<T>): Observable<T> {
  return defer(() => {
    let opened: UsbDevice | undefined;
    const closed = defer(() => opened?.closed ?? EMPTY);
    const used = openDevice(target.transport, target.device).pipe(
      tap((device) => {
        opened = device;
      }),
      switchMap((device) => concat(use(device), [over])),
      takeWhile((value): value is T => value !== over),
      catchError((error: unknown) =>
        concat(
          settled(closed),
          throwError(() => error),
        ),
      ),
    );
    return concat(used, closed);
  });
}

/** Comes when nothing more does: an open device stays open until the unsubscribe. */
const over: unique symbol = Symbol("over");
