import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { isochPipe, type IsochResults } from "../../../../src/index.js";
import { counterDevice, readCounter } from "../../../../transports/virtual/index.js";
import { marbleBus } from "../../../../transports/virtual/testing/index.js";
import { marbles } from "../../../support/marbles.js";

const selector = { vendorId: 0x1209, endpoint: 0x81 } as const;

function counterOf(results: IsochResults): number {
  return readCounter(results.data) ?? NaN;
}

describe("marbleBus", () => {
  it(
    "one marble frame is one USB frame: a transfer of frames 0 to 3 completes at marble frame 4",
    marbles((m) => {
      const bus = marbleBus(m.scheduler, { devices: [counterDevice({ speed: "full" })] });
      const counters = isochPipe(bus, selector).results({ frames: 4 }).pipe(map(counterOf));
      //             frames 0123456789
      m.expect(counters, "  ^---------!").toBeObservable("----a---b", { a: 0, b: 4 });
    }),
  );

  it(
    "frame by frame",
    marbles((m) => {
      const bus = marbleBus(m.scheduler, { devices: [counterDevice({ speed: "full" })] });
      const frames = isochPipe(bus, selector)
        .results({ frames: 1, queue: 3 })
        .pipe(map(({ firstFrame }) => String(firstFrame)));
      m.expect(frames, "^-----!").toBeObservable("-01234");
    }),
  );

  it(
    "with the duration of a microframe, one marble frame is one of them",
    marbles((m) => {
      const bus = marbleBus(m.scheduler, { frameDuration: 125, devices: [counterDevice()] });
      const counters = isochPipe(bus, selector).results({ frames: 2 }).pipe(map(counterOf));
      m.expect(counters, "  ^-----!").toBeObservable("--a-b", { a: 0, b: 2 });
      m.flush();
      expect(bus.time).toBe(6 * 125);
    }),
  );

  it(
    "transfers start on the frame of their subscription, or later where asapDelay says so",
    marbles((m) => {
      const devices = () => [counterDevice({ speed: "full" })];
      const at = (asapDelay?: number) =>
        isochPipe(marbleBus(m.scheduler, { devices: devices(), asapDelay }), selector)
          .results({ frames: 2 })
          .pipe(map(({ firstFrame }) => String(firstFrame)));
      m.expect(at(), "     ---^---!").toBeObservable("-----3");
      m.expect(at(2), "    ---^-----!").toBeObservable("-------5");
    }),
  );

  it(
    "a device comes and goes",
    marbles((m) => {
      const bus = marbleBus(m.scheduler);
      m.scheduler.schedule(() => {
        bus.attach(counterDevice()).inject({ type: "unplug", frame: 8 * 5 });
      }, 2);
      const events = bus.devices().pipe(map(({ type }) => type.slice(0, 1)));
      m.expect(events, "^-------!").toBeObservable("--a--d");
    }),
  );

  it(
    "refuses a frame of no duration",
    marbles((m) => {
      for (const frameDuration of [0, -1, NaN, 0.5, Infinity]) {
        expect(() => marbleBus(m.scheduler, { frameDuration })).toThrow(
          expect.objectContaining({ name: "InvalidRequestError", code: "invalid-number" }),
        );
      }
      expect(() => marbleBus(m.scheduler, { asapDelay: -1 })).toThrow(
        expect.objectContaining({ code: "invalid-number" }),
      );
    }),
  );
});
