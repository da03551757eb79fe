import {
  catchError,
  concat,
  defer,
  EMPTY,
  filter,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
  type Observable,
} from "rxjs";
import { openDevice, type UsbDevice } from "../index.js";
import { settled } from "../teardown.js";
import type { StreamTarget } from "./target.js";

/**
 * Opens the device of a target and does something with it, until that completes; completes, or errors, when
 * the device is closed again. A value of `cancel` that comes before the device is open completes it at once.
 */
export function whileOpen<T>(
  target: StreamTarget,
  cancel: Observable<unknown>,
  use: (device: UsbDevice) => Observable<T>,
): Observable<T> {
  return defer(() => {
    let opened: UsbDevice | undefined;
    const closed = defer(() => opened?.closed ?? EMPTY);
    const opening = openDevice(target.transport, target.device).pipe(
      tap((device) => {
        opened = device;
      }),
      takeUntil(cancel.pipe(filter(() => opened === undefined))),
    );
    const used = opening.pipe(
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
