import fc from "fast-check";
import { from, identity, of, Subject, tap, VirtualTimeScheduler, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  IsochError,
  isochPipe,
  type FrameResult,
  type IsochRequest,
  type IsochResults,
  type IsochTransfer,
  type OverflowPolicy,
  type RequestSource,
} from "../../src/index.js";
import { abort, close, compact, frames, gaps, issue, type UnderrunPolicy } from "../../operators/index.js";
import {
  readCounter,
  schedulerClock,
  VirtualBus,
  writeCounter,
  type VirtualFault,
} from "../../transports/virtual/index.js";
import { ObservedDevice, observedIds, observedIn, observedMax, observedOut } from "../support/observed-device.js";
import { strictTransport } from "../support/strict-transport.js";

/** These are thousands of runs each, on a machine that may have others to serve. */
const timeout = 120_000;

const runs = Number(process.env["CONSERVATION_RUNS"] ?? 4000);

/** The longest that anything happens, in frames; the bus then has time to drain. */
const horizon = 80;

const frameNumber = fc.nat({ max: horizon });

const fault = fc.oneof(
  fc.record({
    type: fc.constant("packet" as const),
    endpoint: fc.constantFrom(observedIn, observedOut),
    frame: frameNumber,
    frames: fc.integer({ min: 1, max: 9 }),
    status: fc.constantFrom("ok" as const, "crc" as const, "not-accessed" as const, "data-overrun" as const),
    actual: fc.nat({ max: observedMax }),
  }),
  fc.record({ type: fc.constant("halt" as const), endpoint: fc.constant(observedIn), frame: frameNumber }),
  fc.record({ type: fc.constant("host-stall" as const), frame: frameNumber, frames: fc.integer({ min: 1, max: 30 }) }),
  fc.record({
    type: fc.constant("jitter" as const),
    microseconds: fc.nat({ max: 4000 }),
    seed: fc.integer({ min: 1, max: 1000 }),
  }),
);

const faults = fc
  .tuple(fc.array(fault, { maxLength: 4 }), fc.option(frameNumber, { freq: 4, nil: undefined }))
  .map(([list, unplug]): VirtualFault[] =>
    unplug === undefined ? list : [...list, { type: "unplug", frame: unplug }],
  );

const asapDelay = fc.nat({ max: 3 });

/** A bus on virtual time, the device that knows the truth, and a check of both ends of the contract. */
function laboratory(plan: readonly VirtualFault[], delay: number) {
  const scheduler = new VirtualTimeScheduler();
  const bus = new VirtualBus({ clock: schedulerClock(scheduler), asapDelay: delay });
  const device = new ObservedDevice();
  bus.attach(device).inject(...plan);
  const transport = strictTransport(bus);
  return {
    device,
    transport,
    at: (frame: number | undefined, act: () => void) => {
      if (frame !== undefined) scheduler.schedule(act, frame);
    },
    finish: () => {
      scheduler.flush();
      expect(transport.violations).toStrictEqual([]);
      expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
    },
  };
}

/** Delivered and lost frames follow one another without a hole or an overlap, with the data of their frame. */
function checkAccount(results: readonly IsochResults[], served: readonly number[]): number | undefined {
  let next = served[0];
  for (const each of results) {
    expect(each.firstFrame - each.lost).toBe(next);
    next = each.firstFrame + each.served;
    for (const { frame, status, actual, data } of [...each].slice(0, each.served)) {
      expect(data.length).toBe(actual);
      if (status !== "ok" || actual < 8) continue;
      expect(readCounter(data)).toBe(frame);
    }
  }
  return next;
}

/** The frame after the last that was on the bus. */
function endOf(served: readonly number[]): number | undefined {
  const last = served.at(-1);
  return last === undefined ? undefined : last + 1;
}

describe("conservation: delivered + lost = frames the bus had", { timeout }, () => {
  it("streams IN under faults, pauses, overflow policies, and an unsubscribe at any moment", () => {
    let delivered = 0;
    let lost = 0;
    let ended = 0;
    fc.assert(
      fc.property(
        fc.record({
          faults,
          asapDelay,
          frames: fc.integer({ min: 1, max: 6 }),
          queue: fc.integer({ min: 1, max: 4 }),
          ring: fc.integer({ min: 1, max: 4 }),
          overflow: fc.constantFrom<OverflowPolicy>("error", "drop-oldest", "drop-newest"),
          pauses: fc.array(fc.tuple(frameNumber, fc.boolean()), { maxLength: 6 }),
          unsubscribe: fc.integer({ min: 0, max: horizon + 20 }),
        }),
        (run) => {
          const { device, transport, at, finish } = laboratory(run.faults, run.asapDelay);
          const pause = new Subject<boolean>();
          for (const [frame, value] of run.pauses)
            at(frame, () => {
              pause.next(value);
            });
          at(horizon + 10, () => {
            pause.next(false);
          });

          const results: IsochResults[] = [];
          let error: unknown;
          let isOver = false;
          const subscription = isochPipe(transport, { ...observedIds, endpoint: observedIn })
            .results({ ...run, pause })
            .subscribe({
              next: (each) => {
                expect(isOver).toBe(false);
                results.push(each);
              },
              error: (reason: unknown) => {
                expect(isOver).toBe(false);
                error = reason;
              },
            });
          at(run.unsubscribe, () => {
            isOver = true;
            subscription.unsubscribe();
          });
          finish();

          const next = checkAccount(results, device.asked);
          if (error !== undefined) {
            expect(IsochError.is(error) && error.code).toBeOneOf(["device-gone", "overflow"]);
            expect(next).toBe(endOf(device.asked));
            ended++;
          }
          for (const each of results) {
            delivered += each.served;
            lost += each.lost;
          }
        },
      ),
      { numRuns: runs },
    );
    // The property would hold for streams in which nothing happens.
    expect(delivered).toBeGreaterThan(runs * 5);
    expect(lost).toBeGreaterThan(runs);
    expect(ended).toBeGreaterThan(runs / 20);
  });

  it("issues IN requests under faults, with abort, close and unsubscribe at any moment", () => {
    let delivered = 0;
    let cancelled = 0;
    let drained = 0;
    fc.assert(
      fc.property(
        fc.record({
          faults,
          asapDelay,
          queue: fc.integer({ min: 1, max: 4 }),
          requests: fc.array(
            fc.record({
              lengths: fc.array(fc.integer({ min: 1, max: observedMax }), { minLength: 1, maxLength: 8 }),
              compact: fc.boolean(),
            }),
            { minLength: 1, maxLength: 20 },
          ),
          pushed: fc.constantFrom("at once" as const, "pulled" as const, "one by one" as const),
          compacted: fc.boolean(),
          panics: fc.array(frameNumber, { maxLength: 3 }),
          closedByHand: fc.array(fc.tuple(frameNumber, fc.nat({ max: 6 })), { maxLength: 2 }),
          done: fc.option(frameNumber, { nil: undefined }),
          unsubscribe: fc.option(frameNumber, { nil: undefined }),
        }),
        (run) => {
          const { device, transport, at, finish } = laboratory(run.faults, run.asapDelay);
          const panic = new Subject<void>();
          const done = new Subject<void>();
          for (const frame of run.panics)
            at(frame, () => {
              panic.next();
            });
          at(run.done, () => {
            done.next();
          });

          const source = new Subject<IsochRequest>();
          const requests: Observable<RequestSource> = {
            "at once": from(run.requests),
            pulled: of(run.requests),
            "one by one": source,
          }[run.pushed];
          run.requests.forEach((request, i) => {
            at(2 * i, () => {
              source.next(request);
            });
          });
          at(2 * run.requests.length, () => {
            source.complete();
          });

          const issued: IsochTransfer[] = [];
          const results: IsochResults[] = [];
          let ending = "none" as "none" | "error" | "complete" | "unsubscribed";
          const subscription = requests
            .pipe(
              issue(isochPipe(transport, { ...observedIds, endpoint: observedIn }), { queue: run.queue }),
              tap((transfer) => {
                expect(issued.filter((each) => !each.isComplete && !each.isClosed).length).toBeLessThan(run.queue);
                issued.push(transfer);
              }),
              run.compacted ? compact() : identity,
              abort(panic),
              close(done),
            )
            .subscribe({
              next: (each) => {
                expect(ending).toBe("none");
                results.push(each);
              },
              error: (reason: unknown) => {
                expect(ending).toBe("none");
                expect(IsochError.is(reason) && reason.code).toBe("device-gone");
                ending = "error";
              },
              complete: () => {
                expect(ending).toBe("none");
                ending = "complete";
              },
            });
          const byHand: IsochTransfer[] = [];
          for (const [frame, index] of run.closedByHand) {
            at(frame, () => {
              const transfer = issued[index];
              if (transfer === undefined || transfer.isClosed) return;
              transfer.close();
              byHand.push(transfer);
            });
          }
          at(run.unsubscribe, () => {
            if (ending === "none") ending = "unsubscribed";
            subscription.unsubscribe();
          });
          finish();

          const next = checkAccount(
            results.filter((each) => each.served > 0),
            device.asked,
          );
          expect(ending).not.toBe("none");
          expect(issued.every((transfer) => transfer.isClosed)).toBe(true);
          if (ending !== "unsubscribed") {
            // What a transfer that was closed by hand had received is lost, if anything followed it.
            if (byHand.length === 0) expect(results.length).toBe(issued.length);
            if (byHand.length === 0) expect(next).toBe(endOf(device.asked));
            drained++;
          }
          for (const [i, each] of results.entries()) {
            if (byHand.length === 0) expect([...each.requested]).toStrictEqual(run.requests[i]?.lengths);
            expect(each.served === each.length || each.error !== "ok").toBe(true);
            delivered += each.served;
            if (each.error === "cancelled") cancelled++;
          }
        },
      ),
      { numRuns: runs },
    );
    expect(delivered).toBeGreaterThan(runs * 5);
    expect(cancelled).toBeGreaterThan(runs / 10);
    expect(drained).toBeGreaterThan(runs / 10);
  });

  it("takes the same account frame by frame", () => {
    fc.assert(
      fc.property(
        fc.record({
          faults,
          asapDelay,
          queue: fc.integer({ min: 1, max: 3 }),
          frames: fc.integer({ min: 1, max: 4 }),
          ring: fc.integer({ min: 1, max: 4 }),
          overflow: fc.constantFrom<OverflowPolicy>("error", "drop-oldest", "drop-newest"),
          pauses: fc.array(fc.tuple(frameNumber, fc.boolean()), { maxLength: 6 }),
        }),
        (run) => {
          const { device, transport, at, finish } = laboratory(run.faults, run.asapDelay);
          const pause = new Subject<boolean>();
          for (const [frame, value] of run.pauses) {
            at(frame, () => {
              pause.next(value);
            });
          }
          const seen: FrameResult[] = [];
          const subscription = isochPipe(transport, { ...observedIds, endpoint: observedIn })
            .results({ ...run, pause })
            .pipe(frames(), gaps())
            .subscribe({ next: (frame) => seen.push(frame), error: () => undefined });
          at(horizon, () => {
            subscription.unsubscribe();
          });
          finish();

          const first = device.asked[0] ?? 0;
          expect(seen.map(({ frame }) => frame)).toStrictEqual(seen.map((_, i) => first + i));
          const asked = new Set(device.asked);
          for (const { frame, status } of seen) expect(status === "lost" || asked.has(frame)).toBe(true);
        },
      ),
      { numRuns: runs / 2 },
    );
  });

  it("sends OUT under faults and underruns, each request once and in order", () => {
    let sent = 0;
    let bridged = 0;
    fc.assert(
      fc.property(
        fc.record({
          unplug: fc.option(frameNumber, { freq: 4, nil: undefined }),
          asapDelay,
          queue: fc.integer({ min: 1, max: 4 }),
          underrun: fc.constantFrom<UnderrunPolicy | undefined>("zero-length", "repeat", "error", undefined),
          requests: fc.array(fc.tuple(frameNumber, fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 12 }),
          panics: fc.array(frameNumber, { maxLength: 2 }),
        }),
        (run) => {
          const plan: VirtualFault[] = run.unplug === undefined ? [] : [{ type: "unplug", frame: run.unplug }];
          const { device, transport, at, finish } = laboratory(plan, run.asapDelay);
          const panic = new Subject<void>();
          for (const frame of run.panics)
            at(frame, () => {
              panic.next();
            });
          const source = new Subject<IsochRequest>();
          let counter = 0;
          for (const [frame, size] of run.requests.toSorted(([a], [b]) => a - b)) {
            const first = counter;
            counter += size;
            at(frame, () => {
              source.next(countersFrom(first, size));
            });
          }
          at(horizon + 1, () => {
            source.complete();
          });

          const results: IsochResults[] = [];
          let error: unknown;
          source
            .pipe(
              issue(isochPipe(transport, { ...observedIds, endpoint: observedOut }), {
                queue: run.queue,
                underrun: run.underrun,
              }),
              abort(panic),
              close(),
            )
            .subscribe({
              next: (each) => results.push(each),
              error: (reason: unknown) => {
                error = reason;
              },
            });
          finish();

          const own = results.flatMap((each) => [...each].slice(0, each.served));
          const onBus = new Map(device.sent.map((packet) => [packet.frame, packet]));
          for (const { frame, data } of own) expect(onBus.get(frame)?.counter).toBe(readCounter(data));
          const counters = own.map(({ data }) => readCounter(data) ?? -1);
          expect(counters).toStrictEqual(counters.toSorted((a, b) => a - b));
          expect(new Set(counters).size).toBe(counters.length);
          for (let i = 1; i < results.length; i++) {
            const [before, each] = [results[i - 1], results[i]];
            if (before === undefined || each === undefined || each.served === 0 || before.served === 0) continue;
            expect(each.firstFrame - each.lost).toBe(before.firstFrame + before.served);
          }
          if (error === undefined && run.panics.length === 0) expect(own.length).toBe(counter);
          else if (error !== undefined)
            expect(IsochError.is(error) && error.code).toBeOneOf(["device-gone", "underrun"]);
          const extra = device.sent.length - own.length;
          if (run.underrun === undefined || run.underrun === "error") expect(extra).toBe(0);
          sent += own.length;
          bridged += extra;
        },
      ),
      { numRuns: runs / 2 },
    );
    expect(sent).toBeGreaterThan(runs);
    expect(bridged).toBeGreaterThan(runs);
  });
});

/** A request of so many frames, each with its counter. */
function countersFrom(first: number, size: number): IsochRequest {
  const buffer = new Uint8Array(16 * size);
  for (let i = 0; i < size; i++) writeCounter(buffer, first + i, 16 * i);
  return { lengths: 16, frames: size, buffer };
}
