import { InvalidRequestError } from "../../../../src/index.js";
import { inWords } from "../../../../src/errors.js";
import { wholeNumber } from "../../../../src/numbers.js";

/** Which release of the USB Audio Class a device keeps to, and what its clock is like. */
export interface UacDeviceOptions {
  /** 1: UAC 1.0 at full speed, a packet each frame. 2: UAC 2.0 at high speed, a packet each microframe. Default: 1. */
  readonly uacVersion?: 1 | 2 | undefined;
  /**
   * Of UAC 2.0: how often its clock, when it is asked, says that it is not valid yet, from the start and each time its rate is
   * changed. `Infinity`: it never is. Until it is, a microphone sends nothing. Default: 0.
   */
  readonly clockLock?: number | undefined;
  /**
   * Of UAC 2.0: whether it has a second, external clock that nothing is connected to, so that it is never valid; and a
   * clock selector that has that one selected. Default: no, it runs on its own.
   */
  readonly externalClock?: boolean | undefined;
}

/** What follows from the release. */
export interface Release {
  readonly version: 1 | 2;
  readonly speed: "full" | "high";
  /** Frames of 1 ms, or microframes. */
  readonly framesPerSecond: number;
  readonly clockLock: number;
  readonly hasExternalClock: boolean;
}

/** @throws {@link InvalidRequestError} */
export function checkRelease(options: UacDeviceOptions): Release {
  const { uacVersion: version = 1, clockLock = 0, externalClock = false } = options;
  const isLater = version === 2;
  if (!isLater && (version as unknown) !== 1) {
    throw new InvalidRequestError("invalid-option", `uacVersion must be 1 or 2, not ${inWords(version)}`);
  }
  if (!isLater && (clockLock !== 0 || externalClock)) {
    throw new InvalidRequestError("invalid-option", "clockLock and externalClock are of UAC 2.0: set uacVersion to 2");
  }
  if (clockLock !== Infinity) wholeNumber("clockLock", clockLock, 0);
  return {
    version,
    speed: isLater ? "high" : "full",
    framesPerSecond: isLater ? 8000 : 1000,
    clockLock,
    hasExternalClock: externalClock,
  };
}
