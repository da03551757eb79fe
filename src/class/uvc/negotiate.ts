import { catchError, concat, ignoreElements, map, of, switchMap, throwError, type Observable } from "rxjs";
import type { UsbDevice } from "../../device.js";
import { DeviceError } from "../../errors.js";
import { requests, streamingControls } from "./codes.js";
import { inWords, rateOf, type VideoChoice } from "./choice.js";
import type { VideoFormat, VideoSize } from "./model.js";
import { encodeProbe, parseProbe, probeLength, spokenLength, type VideoProbe } from "./probe.js";
import { pictureBytes } from "./raw-pictures.js";

/** What a device made of a wish: `asked` and `got` are indices, or an interval in units of 100 ns. */
export interface VideoChange {
  readonly what: "format" | "size" | "interval";
  readonly asked: number;
  readonly got: number;
}

/** What a camera and the host agreed on. */
export interface NegotiatedVideo extends VideoChoice {
  /** What was committed. */
  readonly committed: VideoProbe;
  /** Where that is not what was asked for. */
  readonly changes: readonly VideoChange[];
  /** Bytes of a video frame at most: dwMaxVideoFrameSize, or what stands in for a value that cannot be. */
  readonly maxFrameSize: number;
}

/** Which of the values of a control. */
export type ProbeRequest = "current" | "minimum" | "maximum" | "default";

const requestCodes: Readonly<Record<ProbeRequest, number>> = {
  current: requests.getCur,
  minimum: requests.getMin,
  maximum: requests.getMax,
  default: requests.getDef,
};

/**
 * Reads the probe control of a streaming interface: GET_CUR, GET_MIN, GET_MAX, GET_DEF (UVC 1.5, 4.3.1.1). An
 * answer that is shorter than the version of the device has it is taken as far as it goes.
 *
 * Errors: `DeviceError` `control-stalled` where the device does not answer this; as `UsbDevice.controlTransfer`.
 *
 * @param version {@link VideoFunction.version}
 */
export function readProbe(
  device: Pick<UsbDevice, "controlTransfer">,
  interfaceNumber: number,
  version: number,
  request: ProbeRequest,
): Observable<VideoProbe> {
  return device
    .controlTransfer(setup("in", requestCodes[request], streamingControls.probe, interfaceNumber), probeLength(version))
    .pipe(map(parseProbe));
}

/**
 * Agrees with a camera on a picture, by probe and commit (UVC 1.5, 4.3.1.1): GET_DEF for what the host has no
 * opinion on, SET_CUR and GET_CUR of the probe control, SET_CUR of the commit control. The controls have 26 bytes in
 * UVC 1.0, 34 in 1.1 and 48 in 1.5; a device that answers with fewer is spoken to with as many.
 *
 * The device may change what it was asked for, and the change is committed: {@link NegotiatedVideo.changes} says
 * what, and format, size and interval are what was agreed. An answer that names none that the device has is
 * passed over. The interface is to be claimed, and in alternate setting 0.
 *
 * Errors: `DeviceError` `control-stalled` where the device refuses the picture, with what to do; as
 * `UsbDevice.controlTransfer`.
 *
 * @see {@link chooseVideo}, {@link chooseAlternate}
 */
export function negotiateVideo(
  device: Pick<UsbDevice, "controlTransfer">,
  choice: VideoChoice,
): Observable<NegotiatedVideo> {
  const { streaming, format, size, interval } = choice;
  const { version } = choice.function;
  const expected = probeLength(version);
  const { interfaceNumber } = streaming;
  const wish = { formatIndex: format.index, sizeIndex: size.index, interval };
  const set = (selector: number, bytes: Uint8Array) =>
    device.controlTransfer(setup("out", requests.setCur, selector, interfaceNumber), bytes);
  const refused = (error: unknown) => throwError(() => (isStall(error) ? refusal(choice, error) : error));
  return readProbe(device, interfaceNumber, version, "default").pipe(
    catchError((error: unknown) => (isStall(error) ? of(parseProbe(new Uint8Array(0))) : throwError(() => error))),
    switchMap(({ bytes: defaults }) => {
      const asked = encodeProbe(defaults, spokenLength(defaults.length, expected), wish);
      return concat(
        ignored(set(streamingControls.probe, asked)),
        readProbe(device, interfaceNumber, version, "current"),
      ).pipe(map(({ bytes }) => agree(choice, asked, bytes)));
    }),
    switchMap((agreed) => concat(ignored(set(streamingControls.commit, agreed.committed.bytes)), of(agreed))),
    catchError(refused),
  );
}

/** What is agreed when the device answers `answer` to `asked`. */
function agree(choice: VideoChoice, asked: Uint8Array, answer: Uint8Array): NegotiatedVideo {
  const { streaming, interval } = choice;
  const whole = asked.slice(0, spokenLength(answer.length, asked.length));
  whole.set(answer.subarray(0, whole.length));
  const got = parseProbe(whole);
  const format = streaming.formats.find(({ index }) => index === got.formatIndex) ?? choice.format;
  const size =
    format.sizes.find(({ index }) => index === got.sizeIndex) ??
    (format === choice.format ? choice.size : undefined) ??
    format.sizes[0] ??
    choice.size;
  const agreed = { formatIndex: format.index, sizeIndex: size.index, interval: got.interval || interval };
  const changes: VideoChange[] = [
    { what: "format" as const, asked: choice.format.index, got: format.index },
    { what: "size" as const, asked: choice.size.index, got: size.index },
    { what: "interval" as const, asked: interval, got: agreed.interval },
  ].filter((each) => each.asked !== each.got);
  const committed = parseProbe(encodeProbe(whole, whole.length, agreed));
  return {
    function: choice.function,
    streaming,
    format,
    size,
    interval: agreed.interval,
    committed,
    changes,
    maxFrameSize: frameSize(format, size, committed.maxFrameSize),
  };
}

/**
 * Devices say 0, sixteen zero bits at the end, or 4 GB. So a raw picture has the bytes that it has, and of what is
 * compressed a frame is at most as long as a picture of four bytes a pixel, with room for headers.
 */
function frameSize(format: VideoFormat, size: VideoSize, reported: number): number {
  const { width, height } = size;
  const exact = pictureBytes(format.encoding, width, height);
  if (exact !== undefined) return exact;
  const most = 4 * width * height + 65_536;
  const told = [reported, size.maxFrameSize].find((bytes) => bytes > 0) ?? most;
  return Math.min(told, most);
}

function refusal(choice: VideoChoice, cause: unknown): DeviceError {
  return new DeviceError(
    "control-stalled",
    `the camera refused ${inWords(choice)} at ${rateOf(choice.interval)} frames per second: choose a smaller size or a lower frameRate`,
    { cause },
  );
}

function isStall(error: unknown): boolean {
  return DeviceError.is(error) && error.code === "control-stalled";
}

function ignored(source: Observable<Uint8Array>): Observable<never> {
  return source.pipe(ignoreElements());
}

/** A class-specific request to an interface (UVC 1.5, 4.1). */
function setup(direction: "in" | "out", request: number, selector: number, interfaceNumber: number) {
  return {
    direction,
    type: "class",
    recipient: "interface",
    request,
    value: selector << 8,
    index: interfaceNumber,
  } as const;
}
