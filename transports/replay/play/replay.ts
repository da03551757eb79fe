import {
  AsyncSubject,
  asyncScheduler,
  concat,
  concatMap,
  defer,
  from,
  map,
  NEVER,
  share,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { matchesSelector } from "../../../src/device-selector.js";
import {
  DeviceError,
  type DeviceEvent,
  type DeviceSelector,
  type IsochTransport,
  type Speed,
  type TransportCapabilities,
  type TransportDevice,
} from "../../../src/index.js";
import { oneOf } from "../../../src/numbers.js";
import { indexCapture, type CaptureSummary } from "./capture-index.js";
import { DeviceState } from "./device-state.js";
import { OpenedDevice } from "./opened-device.js";
import type { CaptureSource } from "./source.js";

/** How {@link replay} plays. */
export interface ReplayOptions {
  /** `recorded`: each transfer completes as long after the first submission as it did. `fast`: at once. Default: `recorded`. */
  readonly pace?: "recorded" | "fast" | undefined;
  /** Whether each endpoint begins anew where its transfers end, with the frame after the last. Default: `false`. */
  readonly loop?: boolean | undefined;
  /** The clock of the pace `recorded`; a `TestScheduler`, in tests. Default: real time. */
  readonly scheduler?: SchedulerLike | undefined;
  /** The speed of the devices, where the guess is wrong. */
  readonly speed?: Speed | undefined;
  /** The device descriptor of devices of which the capture has none. Default: one with vendor and product 0. */
  readonly deviceDescriptor?: Uint8Array | undefined;
  /** The configuration of devices of which the capture has none. Default: the endpoints that it has, in alternate setting 1. */
  readonly configurationDescriptor?: Uint8Array | undefined;
}

/** A transport with the devices of a capture. */
export interface ReplayTransport extends IsochTransport {
  /** What the capture has, and what it lacks. Errors as `devices()` does. */
  summary(): Observable<CaptureSummary>;
}

/**
 * The devices of a capture, as a transport: the capture of {@link recorded}, or of usbmon, as tshark, dumpcap and
 * tcpdump write it (`tshark -i usbmon1 -w file.pcapng`). pcapng and pcap, in either byte order, link types 189 and
 * 220; other packets and blocks are passed over.
 *
 * The capture is read through when the transport is first used, and again for each stream, as fast as that asks for it,
 * a mebibyte at a time where it is long, so that the rest of the program has its turn; an unsubscribe ends the reading.
 * In memory there is a piece of it, and the control transfers (16 MiB at most; `summary()` counts those beyond).
 *
 * | what | how it is |
 * |---|---|
 * | a device | by its numbers, `1.5` is device 5 on bus 1. Descriptors and strings from the control transfers of the capture, which it has where it began before the device was plugged in; else from the options, or made up from what was seen |
 * | the speed, for which usbmon has no field | as {@link recorded} noted it; else from the times of the packets |
 * | IN | the frames that were recorded, whatever length transfers have: status, length and data. A frame that was longer than what is asked for reads `data-overrun` |
 * | OUT | is taken, and completes at the recorded pace with the recorded statuses; what was short then is short now. The bytes that are sent go nowhere |
 * | frames that were lost | a gap in the capture is a gap in the account: a transfer ends before it, with `not-complete` for the rest, and the next begins behind it with `IsochResults.lost` |
 * | those before the first frame, and after the last | for streams, as {@link recorded} has told them: in the first result, and as a result without frames before the end. usbmon tells of transfers only: its captures begin with the first, and end with the last. Requests that a program issues itself begin with the first frame |
 * | streams that were recorded one after the other | are one stream, and the time between them is lost in it |
 * | a program that is late | loses nothing: the replay waits |
 * | a consumer that pauses (`StreamOptions.pause`) | `fast`: the replay waits where the ring is full. `recorded`: the ring overflows, as it does on a bus |
 * | the frame | from `start_frame`, also where the host controller counts modulo 1024 frames or so; where it says 0 always, or contradicts itself, from the times, and from frame 0 |
 * | packets beyond the 128 that Linux tells of a transfer, and bytes that were not kept | read `lost` |
 * | control requests | the recorded answer to the same request, in order, and then the last again; GET_DESCRIPTOR the longest; standard requests to the device are granted; else `control-stalled` |
 * | two endpoints of a device | keep the time between them that they had; one that is subscribed to a second late begins by itself |
 * | the end of the capture | `device-gone`, with a message that says so, for the stream that has come to it; the device stays, and plays from the beginning when subscribed to again |
 * | start frames, the frame number, blocking, DMA buffers | `unsupported` |
 *
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { isochPipe } from "rx-isoch";
 * import { replay } from "rx-isoch/transports/replay";
 *
 * const capture = replay(readFileSync("camera.pcapng"), { pace: "fast" });
 * isochPipe(capture, { endpoint: 0x81 }).results().subscribe({
 *   next: (results) => console.log(results.firstFrame, results.lost, results.bytesTransferred),
 *   error: (error) => console.log(error.message),
 * });
 * ```
 *
 * Errors: `TransportError` `protocol-error` for what is no capture, or a damaged one, with the byte and what to do;
 * `DeviceError` `no-such-device`.
 *
 * @throws `InvalidRequestError` `invalid-option`
 */
export function replay(source: CaptureSource, options: ReplayOptions = {}): ReplayTransport {
  return new CaptureTransport(source, options);
}

class CaptureTransport implements ReplayTransport {
  readonly name = "replay";
  readonly capabilities: TransportCapabilities = {
    startFrame: false,
    frameNumber: false,
    lengthsPerFrame: true,
    cancel: "transfer",
    blocking: false,
    dma: false,
  };
  readonly #content: Observable<{ readonly devices: readonly DeviceState[]; readonly summary: CaptureSummary }>;

  constructor(source: CaptureSource, options: ReplayOptions) {
    const { loop = false, scheduler = asyncScheduler } = options;
    const isPaced = oneOf("pace", options.pace ?? "recorded", ["recorded", "fast"]) === "recorded";
    const plan = { source, isPaced, loop, scheduler: isPaced ? scheduler : asyncScheduler };
    this.#content = indexCapture(source, options, plan.scheduler).pipe(
      map(({ devices, summary }) => ({ summary, devices: devices.map((each) => new DeviceState(each, plan)) })),
      // Read once, for all; an unsubscribe before the end lets go of the source.
      share({ connector: () => new AsyncSubject(), resetOnComplete: false }),
    );
  }

  summary(): Observable<CaptureSummary> {
    return this.#content.pipe(map(({ summary }) => summary));
  }

  devices(): Observable<DeviceEvent> {
    const events = this.#content.pipe(
      concatMap(({ devices }) => from(devices)),
      map(({ recorded: { info } }): DeviceEvent => ({ type: "attach", device: info })),
    );
    return concat(events, NEVER);
  }

  open(selector: DeviceSelector): Observable<TransportDevice> {
    return defer(() => this.#content).pipe(
      map(({ devices }) => {
        const found = devices.find(({ recorded: { info } }) => matchesSelector(info, selector));
        if (found !== undefined) return new OpenedDevice(found);
        const ids = devices.map(({ recorded: { info } }) => info.id).join(", ");
        throw new DeviceError(
          "no-such-device",
          `the capture has no device that matches the selector: ${ids === "" ? "it has none" : `it has ${ids}`}`,
        );
      }),
    );
  }
}
