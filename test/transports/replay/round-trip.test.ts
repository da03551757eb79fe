import { BehaviorSubject, catchError, EMPTY, lastValueFrom, of, tap, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { isochPipe, statusOf, type IsochRequest, type IsochResults, type IsochTransport } from "rx-isoch";
import { close, issue } from "rx-isoch/operators";
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

/** Each frame that was delivered, and where others were lost. */
function accountOf(all: readonly IsochResults[]): string[] {
  return all.flatMap(({ firstFrame, lost, served, statuses }) => [
    ...(lost > 0 ? [`${lost} lost from ${firstFrame - lost}`] : []),
    ...Array.from({ length: served }, (_, i) => `${firstFrame + i} ${statusOf(statuses[i] ?? 0)}`),
  ]);
}

it.each(["drop-oldest", "drop-newest"] as const)("what a ring has no room for at either end (%s)", async (overflow) => {
  const bus = new VirtualBus({ clock: unpacedClock() });
  bus.attach(counterDevice()).inject({ type: "unplug", frame: 400 });
  // The first result that is taken follows a loss, or what is lost has none behind it.
  const pause = new BehaviorSubject(overflow === "drop-oldest");
  bus.devices().subscribe(({ type }) => {
    if (type !== "detach") return;
    setTimeout(() => {
      pause.next(false);
    }, 20);
  });
  const { bytes, values } = await recordWhile(ownStreams(bus, 125), (transport) =>
    isochPipe(transport, { endpoint })
      .results({ frames: 16, queue: 4, ring: 2, overflow, pause })
      .pipe(
        tap(({ firstFrame }) => {
          if (firstFrame < 16) pause.next(true);
        }),
        catchError(() => EMPTY),
      ),
  );
  const end = overflow === "drop-oldest" ? values[0] : values.at(-1);
  expect(end?.lost).toBeGreaterThan(0);
  const played = isochPipe(replay(bytes, { pace: "fast" }), { endpoint });
  const again = await lastValueFrom(
    played.results({ frames: 16 }).pipe(
      catchError(() => EMPTY),
      toArray(),
    ),
  );
  expect(accountOf(again)).toStrictEqual(accountOf(values));
});

it("empty packets that were sent: as many as there were, and good", async () => {
  const requests: readonly IsochRequest[] = [
    { lengths: 0, frames: 3 },
    { lengths: [0, 8, 0, 16, 0], buffer: new Uint8Array(24) },
    { lengths: 0, frames: 200 },
    { lengths: [8, 0], buffer: new Uint8Array(8) },
  ];
  const send = (transport: IsochTransport) =>
    of(requests).pipe(issue(isochPipe(transport, { endpoint: counterProtocol.outEndpoint })), close());
  const bus = new VirtualBus({ clock: unpacedClock() });
  bus.attach(counterDevice());
  const { bytes, values } = await recordWhile(bus, send);
  const again = await lastValueFrom(send(replay(bytes, { pace: "fast" })).pipe(toArray()));
  expect(values.map(({ error, served }) => [error, served])).toStrictEqual([3, 5, 200, 2].map((n) => ["ok", n]));
  expect(comparable(again)).toStrictEqual(comparable(values));
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
