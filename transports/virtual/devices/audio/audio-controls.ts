import type { ControlSetup } from "../../../../src/index.js";
import type { Feature } from "./feature.js";

/** What the host has set in a device of the USB Audio Class, and how it answers requests. */
export interface AudioControls {
  readonly sampleRate: number;
  readonly feature: Feature;
  /** Whether the clock that it runs on is valid: always, but for UAC 2.0. */
  readonly isClockValid: boolean;
  /** Answers a request of the class; `undefined` is a STALL. */
  answer(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined;
}
