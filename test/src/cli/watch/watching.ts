import { Subject, VirtualTimeScheduler } from "rxjs";
import { parseFault } from "../../../../src/cli/faults.js";
import { virtualTarget, type VirtualTarget, type VirtualTargetOptions } from "../../../../src/cli/virtual-target.js";
import type { WatchState } from "../../../../src/cli/watch/state.js";
import { watch, type WatchOptions } from "../../../../src/cli/watch/watch.js";
import { schedulerClock } from "../../../../transports/virtual/index.js";

interface Setting extends Partial<Omit<VirtualTargetOptions, "faults" | "clock">> {
  readonly faults?: readonly string[];
  readonly options?: Partial<WatchOptions>;
  /** Milliseconds until the interrupt. */
  readonly interruptAt?: number;
}

/** A watch on virtual time, from its beginning to its end. */
export function watched({ faults = [], options, interruptAt, ...device }: Setting = {}) {
  const scheduler = new VirtualTimeScheduler();
  let target: VirtualTarget | undefined;
  virtualTarget({
    kind: "counter",
    speed: "high",
    endpoint: 0x81,
    clockPpm: 0,
    faults: faults.map(parseFault),
    clock: schedulerClock(scheduler),
    ...device,
  }).subscribe((found) => {
    target = found;
  });
  if (target === undefined) throw new Error("a virtual device is there at once");
  const interrupt = new Subject<void>();
  const states: WatchState[] = [];
  let error: unknown;
  let isComplete = false;
  if (interruptAt !== undefined) {
    scheduler.schedule(() => {
      interrupt.next();
    }, interruptAt);
  }
  watch(target, { duration: 1000, queue: 8, window: 200, interrupt, scheduler, ...options }).subscribe({
    next: (state) => states.push(state),
    error: (caught: unknown) => {
      error = caught;
    },
    complete: () => {
      isComplete = true;
    },
  });
  scheduler.flush();
  return { states, last: states.at(-1), error, isComplete, audit: target.transport.audit() };
}

/** The last state of a watch that has one. */
export function lastState(setting?: Setting): WatchState {
  const { last } = watched(setting);
  if (last === undefined) throw new Error("there is no state");
  return last;
}
