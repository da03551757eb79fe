import type { ControlSetup } from "../../../../src/index.js";
import { doubleWord, word } from "../../descriptors.js";
import { clockFrequency, controlInterface, streamingInterface, type UvcVersion } from "./descriptors.js";
import { payloadSizeOf, type CameraFrame, type CameraMode } from "./modes.js";

/** Requests of the class (UVC 1.5, A.8). */
const requests = {
  setCurrent: 0x01,
  getCurrent: 0x81,
  getMinimum: 0x82,
  getMaximum: 0x83,
  getResolution: 0x84,
  getLength: 0x85,
  getInfo: 0x86,
  getDefault: 0x87,
} as const;

/** Controls of the streaming interface (UVC 1.5, A.9.7). */
const probe = 1;
const commit = 2;
/** Control of the control interface (UVC 1.5, A.9.1): why the last request was refused. */
const requestErrorCode = 2;

/** Values of {@link requestErrorCode} (UVC 1.5, 4.2.1.2). */
const refusals = { none: 0, outOfRange: 4, invalidControl: 6, invalidRequest: 7 } as const;

const nothing = new Uint8Array(0);

/** What a camera and its host agree on before a stream (UVC 1.5, 4.3.1.1). */
export class Negotiation {
  readonly #formats: readonly (readonly CameraFrame[])[];
  readonly #length: number;
  readonly #default: CameraMode;
  #probed: CameraMode;
  #committed: CameraMode;
  #refusal: number = refusals.none;

  constructor(version: UvcVersion, formats: readonly (readonly CameraFrame[])[]) {
    this.#formats = formats;
    this.#length = version >= 0x0150 ? 48 : version >= 0x0110 ? 34 : 26;
    this.#default = this.#closest(1, 1, 0);
    this.#probed = this.#committed = this.#default;
  }

  /** What the host has settled for. */
  get committed(): CameraMode {
    return this.#committed;
  }

  /** `undefined` is a STALL, whose reason is then told by the request error code. */
  answer(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    const { recipient, direction, request, value, index } = setup;
    if (recipient !== "interface") return this.#refuse(refusals.invalidControl);
    const control = value >> 8;
    if (index === controlInterface && control === requestErrorCode) return this.#answerError(request);
    if (index !== streamingInterface || (control !== probe && control !== commit)) {
      return this.#refuse(refusals.invalidControl);
    }
    const answer =
      direction === "in"
        ? this.#get(control, request)
        : request === requests.setCurrent && data instanceof Uint8Array
          ? this.#set(control, data)
          : this.#refuse(refusals.invalidRequest);
    if (answer !== undefined) this.#refusal = refusals.none;
    return answer;
  }

  #answerError(request: number): Uint8Array | undefined {
    switch (request) {
      case requests.getCurrent:
        return Uint8Array.of(this.#refusal);
      case requests.getLength:
        return Uint8Array.of(...word(1));
      case requests.getInfo:
        return Uint8Array.of(0x01);
      default:
        return this.#refuse(refusals.invalidRequest);
    }
  }

  #get(control: number, request: number): Uint8Array | undefined {
    const mode = control === probe ? this.#probed : this.#committed;
    switch (request) {
      case requests.getCurrent:
        return this.#encode(mode);
      case requests.getLength:
        return Uint8Array.of(...word(this.#length));
      case requests.getInfo:
        // It can be got and set.
        return Uint8Array.of(0x03);
    }
    if (control === commit) return this.#refuse(refusals.invalidRequest);
    switch (request) {
      case requests.getMinimum:
        return this.#encode({ ...mode, interval: mode.intervals[0] ?? mode.interval });
      case requests.getMaximum:
        return this.#encode({ ...mode, interval: mode.intervals.at(-1) ?? mode.interval });
      case requests.getDefault:
        return this.#encode(this.#default);
      case requests.getResolution:
        return new Uint8Array(this.#length);
      default:
        return this.#refuse(refusals.invalidRequest);
    }
  }

  /** A probe is answered with what comes closest; what is committed has to exist. */
  #set(control: number, data: Uint8Array): Uint8Array | undefined {
    if (data.length < 26) return this.#refuse(refusals.outOfRange);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const [formatIndex, frameIndex] = [view.getUint8(2), view.getUint8(3)];
    const mode = this.#closest(formatIndex, frameIndex, view.getUint32(4, true));
    if (control === probe) {
      this.#probed = mode;
    } else {
      if (mode.formatIndex !== formatIndex || mode.frameIndex !== frameIndex) {
        return this.#refuse(refusals.outOfRange);
      }
      this.#probed = this.#committed = mode;
    }
    return nothing;
  }

  #closest(formatIndex: number, frameIndex: number, interval: number): CameraMode {
    const format = this.#formats[formatIndex - 1] ?? this.#formats[0];
    const frame = format?.[frameIndex - 1] ?? format?.[0];
    if (frame === undefined) throw new Error("a camera without formats");
    const byDistance = frame.intervals.toSorted((a, b) => Math.abs(a - interval) - Math.abs(b - interval));
    return { ...frame, interval: byDistance[0] ?? interval };
  }

  /** UVC 1.5, table 4-75; what older versions do not know of is at its end. */
  #encode({ formatIndex, frameIndex, interval, maxSize }: CameraMode): Uint8Array {
    const whole = Uint8Array.of(
      // bmHint: the interval is what counts.
      ...[1, 0, formatIndex, frameIndex, ...doubleWord(interval)],
      // Key frames, compression and delay.
      ...new Array<number>(10).fill(0),
      ...[...doubleWord(maxSize), ...doubleWord(payloadSizeOf(maxSize, interval))],
      // bmFramingInfo: payloads have FID and EOF; then the version of the payload format.
      ...[...doubleWord(clockFrequency), 0x03, 1, 1, 1],
      ...new Array<number>(14).fill(0),
    );
    return whole.subarray(0, this.#length);
  }

  #refuse(reason: number): Uint8Array | undefined {
    this.#refusal = reason;
    return undefined;
  }
}
