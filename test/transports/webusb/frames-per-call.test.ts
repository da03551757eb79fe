import { expect, it } from "vitest";
import { defaultFramesPerCall } from "../../../transports/webusb/frames-per-call.js";

it.each([
  [62.5, 32],
  [125, 32],
  [250, 16],
  [1000, 4],
  [3000, 1],
  [32_000, 1],
])("of %i µs each, %i frames go in a call", (frameDuration, frames) => {
  expect(defaultFramesPerCall(frameDuration)).toBe(frames);
});
