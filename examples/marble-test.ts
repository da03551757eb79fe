/**
 * A chain of your own under test, without hardware: one marble frame is one USB frame.
 */
import assert from "node:assert/strict";
import { isochPipe } from "rx-isoch";
import { frames, gaps, payload } from "rx-isoch/operators";
import { marbleBus } from "rx-isoch/testing";
import { counterDevice } from "rx-isoch/transports/virtual";
import { map } from "rxjs";
import { TestScheduler } from "rxjs/testing";

const scheduler = new TestScheduler((actual, expected) => {
  assert.deepEqual(actual, expected);
});

scheduler.run(({ expectObservable }) => {
  const bus = marbleBus(scheduler);
  const device = bus.attach(counterDevice({ speed: "full" }));
  device.inject({ type: "packet", endpoint: 0x81, frame: 1, status: "crc", actual: 100 });

  const lengths = isochPipe(bus, { endpoint: 0x81 })
    .results({ frames: 1, queue: 2 })
    .pipe(
      gaps(),
      frames(),
      payload({ badFrames: "keep" }),
      map((bytes) => bytes.length),
    );

  expectObservable(lengths, "^---!").toBe("-abc", { a: 1023, b: 100, c: 1023 });
});

console.log("the bus did what the diagram says");
