import type { SchedulerLike } from "rxjs";
import { VirtualBus, type VirtualBusOptions } from "../bus.js";
import { schedulerClock } from "../clock.js";

/** How a {@link marbleBus} is made. */
export interface MarbleBusOptions extends Omit<VirtualBusOptions, "clock"> {
  /** Microseconds of one marble frame: the service interval under test. Default: 1000, a full-speed frame. */
  readonly frameDuration?: number | undefined;
}

/**
 * A virtual bus on the time of a `TestScheduler`: one marble frame is one USB frame, so a marble
 * diagram is the bus trace. A transfer of frames 0 to 3 completes at marble frame 4.
 *
 * Transfers start on the frame of their subscription, unless `asapDelay` says otherwise.
 *
 * @param scheduler the `TestScheduler`, or the `scheduler` of a rxjs-marbles context
 *
 * @example
 * ```ts
 * import { isochPipe } from "rx-isoch";
 * import { marbleBus } from "rx-isoch/testing";
 * import { counterDevice } from "rx-isoch/transports/virtual";
 * import { map } from "rxjs";
 * import { TestScheduler } from "rxjs/testing";
 *
 * const scheduler = new TestScheduler((actual, expected) => {
 *   if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error("not the same");
 * });
 * scheduler.run(({ expectObservable }) => {
 *   const bus = marbleBus(scheduler, { devices: [counterDevice({ speed: "full" })] });
 *   const pipe = isochPipe(bus, { vendorId: 0x1209, endpoint: 0x81 });
 *   const firstFrames = pipe.results({ frames: 2 }).pipe(map(({ firstFrame }) => firstFrame));
 *   expectObservable(firstFrames, "^-----!").toBe("--a-b-", { a: 0, b: 2 });
 * });
 * ```
 */
export function marbleBus(scheduler: SchedulerLike, options: MarbleBusOptions = {}): VirtualBus {
  const { frameDuration = 1000, asapDelay = 0, ...rest } = options;
  return new VirtualBus({ ...rest, asapDelay, clock: schedulerClock(scheduler, frameDuration) });
}
