import { concat, defer, of, switchMap, take, VirtualTimeScheduler, type Observable } from "rxjs";
import { isochPipe, type IsochResults, type Submission } from "../../src/index.js";
import { PendingSubmission } from "../../src/submission.js";
import { compact, frames } from "../../operators/index.js";
import { counterDevice, counterProtocol, schedulerClock, VirtualBus } from "../../transports/virtual/index.js";

/** A stream whose cost is measured. */
export interface Geometry {
  readonly name: string;
  readonly speed: "full" | "high";
  /** Negative: the device's clock is slow, and packets come short. */
  readonly clockPpm: number;
  /** Bytes asked for in each frame. */
  readonly frameLength: number;
  /** Frames in a transfer. */
  readonly frames: number;
  /** Transfers in flight. */
  readonly queue: number;
}

/** What a workload moved; every workload of a geometry must have moved the same. */
export interface Moved {
  readonly frames: number;
  readonly bytes: number;
  /** Frames whose status is not ok. */
  readonly failed: number;
}

/** Runs so many transfers from end to end, on virtual time: as fast as the program can. */
export type Workload = (geometry: Geometry, transfers: number) => Moved;

const selector = { vendorId: counterProtocol.vendorId, endpoint: counterProtocol.inEndpoint, alternate: 1 };

function laboratory({ speed, clockPpm }: Geometry) {
  const scheduler = new VirtualTimeScheduler();
  const bus = new VirtualBus({ devices: [counterDevice({ speed, clockPpm })], clock: schedulerClock(scheduler) });
  return { scheduler, bus };
}

function mustBeWhole(moved: Moved, { frames }: Geometry, transfers: number): Moved {
  if (moved.frames !== frames * transfers) throw new Error(`moved ${moved.frames} frames, not ${frames * transfers}`);
  return moved;
}

/** What a loop made of one transfer. */
interface Received {
  readonly bytes: number;
  readonly failed: number;
  /** The buffer is the receiver's now. */
  readonly kept: boolean;
}

/** Submits again and again; `receive` is all that is done with what came. */
function callbackLoop(receive: (submission: Submission) => Received): Workload {
  return (geometry, transfers) => {
    const { scheduler, bus } = laboratory(geometry);
    const lengths = new Uint32Array(geometry.frames).fill(geometry.frameLength);
    let moved = 0;
    let bytes = 0;
    let failed = 0;
    let done = 0;
    bus
      .open(selector)
      .pipe(
        switchMap((device) =>
          concat(
            device.claimInterface(0),
            device.selectAlternate(0, 1),
            defer(() => of(device.openEndpoint(selector.endpoint))),
          ),
        ),
      )
      .subscribe((endpoint) => {
        const completed = (submission: Submission) => {
          const received = receive(submission);
          moved += submission.actual.length;
          bytes += received.bytes;
          failed += received.failed;
          if (++done + geometry.queue > transfers) return;
          submission.statuses.fill(0);
          if (received.kept) submitFresh();
          else endpoint.submit(submission);
        };
        const submitFresh = () => {
          const buffer = new Uint8Array(geometry.frames * geometry.frameLength);
          endpoint.submit(new PendingSubmission({ lengths, buffer, start: "asap", completed }));
        };
        for (let i = 0; i < geometry.queue; i++) submitFresh();
      });
    scheduler.flush();
    return mustBeWhole({ frames: moved, bytes, failed }, geometry, transfers);
  };
}

/** (0) The bus and the device, with nobody who looks at what came: the part that all have in common. */
export const busAlone: Workload = callbackLoop(() => ({ bytes: 0, failed: 0, kept: false }));

/**
 * (a) A loop of callbacks on the transport, with nothing of the core: it looks at each status,
 * keeps the buffer of a transfer that is full, copies the data of any other into one of its own,
 * and submits again.
 */
export const plainLoop: Workload = callbackLoop(({ actual, statuses, lengths, buffer }) => {
  let total = 0;
  let failed = 0;
  for (let i = 0; i < actual.length; i++) {
    total += actual[i] ?? 0;
    if (statuses[i] !== 0) failed++;
  }
  if (total === buffer.length) return { bytes: total, failed, kept: true };
  const packed = new Uint8Array(total);
  for (let i = 0, from = 0, to = 0; i < actual.length; i++) {
    const moved = actual[i] ?? 0;
    packed.set(buffer.subarray(from, from + moved), to);
    from += lengths[i] ?? 0;
    to += moved;
  }
  return { bytes: packed.length, failed, kept: false };
});

function overPipe<T>(
  consume: (results: Observable<IsochResults>) => Observable<T>,
  count: (value: T, sum: { frames: number; bytes: number; failed: number }) => void,
): Workload {
  return (geometry, transfers) => {
    const { scheduler, bus } = laboratory(geometry);
    const { frameLength, frames: perTransfer, queue } = geometry;
    const sum = { frames: 0, bytes: 0, failed: 0 };
    consume(
      isochPipe(bus, selector).results({ frameLength, frames: perTransfer, queue }).pipe(take(transfers)),
    ).subscribe((value) => {
      count(value, sum);
    });
    scheduler.flush();
    return mustBeWhole(sum, geometry, transfers);
  };
}

function countResults(results: IsochResults, sum: { frames: number; bytes: number; failed: number }): void {
  sum.frames += results.length;
  sum.bytes += results.data.length;
  if (results.error === "ok") return;
  for (const status of results.statuses) if (status !== 0) sum.failed++;
}

/** (b) `pipe.results()`, compacted by the operator. */
export const resultsCompacted: Workload = overPipe((results) => results.pipe(compact()), countResults);

/** (c) The same, frame by frame. */
export const frameByFrame: Workload = overPipe(
  (results) => results.pipe(compact(), frames()),
  ({ status, data }, sum) => {
    sum.frames++;
    sum.bytes += data.length;
    if (status !== "ok") sum.failed++;
  },
);
