import { asyncScheduler, debounce, scan, startWith, take, timer, type Observable, type SchedulerLike } from "rxjs";
import type { DeviceInfo, IsochTransport } from "../index.js";

/** When {@link presentDevices} has waited enough. */
export interface Patience {
  /** Milliseconds without a device. Default: 2000. */
  readonly first?: number | undefined;
  /** Whose time it is. Default: `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * The devices that are there now. A transport tells of them in one turn of the loop, and then that was
 * all; where none comes for a while, there is none.
 */
export function presentDevices(
  transport: IsochTransport,
  { first: untilFirst = 2000, scheduler = asyncScheduler }: Patience = {},
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
    debounce((present) => timer(present.length === 0 ? untilFirst : 0, scheduler)),
    take(1),
  );
}
