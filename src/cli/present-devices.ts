import { asyncScheduler, debounce, scan, startWith, take, timer, type Observable, type SchedulerLike } from "rxjs";
import type { DeviceInfo, IsochTransport } from "../index.js";

/** When {@link presentDevices} has waited enough. */
export interface Patience {
  /** Milliseconds without a device. Default: 2000. */
  readonly first?: number | undefined;
  /** Milliseconds since the last device. Default: 200. */
  readonly next?: number | undefined;
  /** Whose time it is. Default: `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * The devices that are there now. A transport tells of them one by one and does not say which is the
 * last: when none has come for a while, that was all.
 */
export function presentDevices(
  transport: IsochTransport,
  { first: untilFirst = 2000, next = 200, scheduler = asyncScheduler }: Patience = {},
): Observable<readonly DeviceInfo[]> {
  return transport.devices().pipe(
    scan(
      (present: readonly DeviceInfo[], { type, device }) => [
        ...present.filter(({ id }) => id !== device.id),
        ...(type === "attach" ? [device] : []),
      ],
      [],
    ),
    startWith([]),
    debounce((present) => timer(present.length === 0 ? untilFirst : next, scheduler)),
    take(1),
  );
}
