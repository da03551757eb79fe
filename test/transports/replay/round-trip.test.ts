import { BehaviorSubject, catchError, EMPTY, lastValueFrom, tap, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { isochPipe, type IsochResults } from "rx-isoch";
import {
  counterDevice,
  counterProtocol,
  unpacedClock,
  VirtualBus,
  type VirtualFault,
} from "rx-isoch/transports/virtual";
import { replay } from "rx-isoch/transports/replay";
import { ownStreams } from "../../support/own-streams.js";
import { comparable, record, recordWhile, results } from "./support.js";

const { inEndpoint: endpoint } = counterProtocol;

const faults: readonly VirtualFault[] = [
  { type: "packet", endpoint, frame: 8, status: "crc", actual: 100 },
  { type: "packet", endpoint, frame: 9, status: "pid-check-failure" },
  { type: "packet", endpoint, frame: 20, frames: 5, status: "buffer-overrun", actual: 0 },
  { type: "packet", endpoint, frame: 40, status: "not-accessed", actual: 0 },
  { type: "packet", endpoint, frame: 50, actual: 17 },
  { type: "packet", endpoint, frame: 61, status: "data-toggle-mismatch" },
  // Longer than the queue: frames for which nothing is queued.
  { type: "host-stall", frame: 100, frames: 400 },
];

it("a loss that no frame follows is not recorded", async () => {
  const bus = new VirtualBus({ clock: unpacedClock() });
  bus.attach(counterDevice()).inject({ type: "unplug", frame: 400 });
  const pause = new BehaviorSubject(false);
  bus.devices().subscribe(({ type }) => {
    if (type !== "detach") return;
    setTimeout(() => {
      pause.next(false);
    }, 20);
  });
  const { bytes, values } = await recordWhile(ownStreams(bus, 125), (transport) =>
    isochPipe(transport, { endpoint })
      .results({ frames: 16, queue: 4, ring: 2, overflow: "drop-newest", pause })
      .pipe(
        tap(({ firstFrame }) => {
          if (firstFrame < 16) pause.next(true);
        }),
        catchError(() => EMPTY),
      ),
  );
  expect(values.at(-1)).toMatchObject({ length: 0 });
  expect(values.at(-1)?.lost).toBeGreaterThan(0);
  const played = isochPipe(replay(bytes, { pace: "fast" }), { endpoint });
  const again = await lastValueFrom(
    played.results({ frames: 16 }).pipe(
      catchError(() => EMPTY),
      toArray(),
    ),
  );
  const framesOf = (all: readonly IsochResults[]) => all.reduce((sum, { served }) => sum + served, 0);
  expect(framesOf(again)).toBe(framesOf(values));
  expect(again.reduce((sum, { lost }) => sum + lost, 0)).toBe(
    values.slice(0, -1).reduce((sum, { lost }) => sum + lost, 0),
  );
});

describe("what was recorded is replayed as it was", () => {
  for (const speed of ["full", "high", "super"] as const) {
    for (const tellFirstFrame of [true, false]) {
      it(`at ${speed} speed, ${tellFirstFrame ? "with" : "without"} the frames of the bus`, async () => {
        const bus = new VirtualBus({
          clock: unpacedClock(),
          tellFirstFrame,
          capabilities: { frameNumber: tellFirstFrame },
        });
        bus.attach(counterDevice({ speed, ...(speed === "super" && { burst: 2, mult: 1 }) })).inject(...faults);
        const recording = await record(bus, endpoint, 40, { frames: 16, queue: 4 });
        expect(recording.results.some(({ lost }) => lost > 0)).toBe(true);
        expect(recording.results.some(({ error }) => error === "isoch")).toBe(true);
        const played = replay(recording.bytes, { pace: "fast" });
        const again = await lastValueFrom(results(played, endpoint, 40, { frames: 16, queue: 4 }).pipe(toArray()));
        expect(comparable(again)).toStrictEqual(comparable(recording.results));
      });
    }

    it(`at ${speed} speed, from streams that a transport runs itself`, async () => {
      const bus = new VirtualBus({ clock: unpacedClock() });
      bus.attach(counterDevice({ speed, ...(speed === "super" && { burst: 2, mult: 1 }) })).inject(...faults);
      const options = { frames: 16, queue: 4, ring: 1000 };
      const recording = await record(ownStreams(bus, speed === "full" ? 1000 : 125), endpoint, 40, options);
      expect(recording.results.some(({ lost }) => lost > 0)).toBe(true);
      expect(recording.results.some(({ error }) => error === "isoch")).toBe(true);
      const played = replay(recording.bytes, { pace: "fast" });
      const again = await lastValueFrom(results(played, endpoint, 40, options).pipe(toArray()));
      expect(comparable(again)).toStrictEqual(comparable(recording.results));
    });
  }
});
