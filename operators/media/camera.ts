import { concat, switchMap, type Observable } from "rxjs";
import {
  chooseAlternate,
  chooseVideo,
  negotiateVideo,
  type IncompletePolicy,
  type NegotiatedVideo,
  type VideoAlternate,
  type VideoChoice,
  type VideoFrame,
  type VideoSelector,
  type VideoStatistics,
} from "../../src/class/uvc/index.js";
import {
  isochPipe,
  type DeviceSelector,
  type IsochTransport,
  type StreamOptions,
  type UsbDevice,
} from "../../src/index.js";
import { relyOn } from "./rely-on.js";
import { videoFrames } from "./video-frames.js";
import { withDevice } from "./with-device.js";

/** Which picture `camera` streams, and how. */
export interface CameraOptions extends VideoSelector {
  /** What becomes of frames in which something is missing. Default: `drop`. */
  readonly incomplete?: IncompletePolicy | undefined;
  /** How the pipe streams. */
  readonly stream?: StreamOptions | undefined;
  /** Called once the camera has agreed, before it streams. */
  readonly started?: ((session: CameraSession) => void) | undefined;
}

/** What a camera agreed on, and how it goes. */
export interface CameraSession {
  /** Format, size and interval as they were committed, and what the camera changed. */
  readonly video: NegotiatedVideo;
  readonly alternate: VideoAlternate;
  /** Goes on counting while the camera streams. */
  readonly statistics: VideoStatistics;
}

/**
 * The video frames of a camera, in one call: opens the device, claims its video function, agrees on a picture by
 * probe and commit, selects the smallest alternate setting that carries it, streams, and puts the frames together.
 * A transport opens the device for each subscription. A device that is open stays open, with its video function
 * claimed, and other pipes of it, its microphone for one, can run beside.
 *
 * Cold and exclusive. Unsubscribing aborts, drains, goes back to alternate setting 0, releases the interfaces and
 * closes the device, in that order; a subscription that comes meanwhile waits for that. The stream does not
 * complete by itself.
 *
 * The camera may agree on something else than was asked for: `started` is told, and the frames have the size that
 * was agreed on. Only isochronous cameras stream.
 *
 * Errors: `EndpointError` for a device that is no camera, or streams over bulk; `InvalidRequestError`
 * `invalid-option` for a picture it does not have, with those it has; `DeviceError` `control-stalled` where it
 * refuses the picture, `device-gone`; `BusyError` `interface-busy` where an open device has a camera running;
 * `BandwidthError` where no alternate setting, or not the bus, carries it;
 * as `openDevice` and `IsochPipe.results`.
 *
 * @example
 * ```ts
 * import type { IsochTransport } from "rx-isoch";
 * import { camera } from "rx-isoch/operators/media";
 *
 * export const pictures = (transport: IsochTransport) =>
 *   camera(transport, { vendorId: 0x046d }, { format: "mjpeg", width: 1280, height: 720, frameRate: 30 }).subscribe(
 *     ({ sequence, data }) => {
 *       console.log(sequence, data.length);
 *     },
 *   );
 * ```
 */
export function camera(
  source: IsochTransport | UsbDevice,
  selector: DeviceSelector,
  options: CameraOptions = {},
): Observable<VideoFrame> {
  return withDevice(source, selector, (device) => framesOf(device, options));
}

function framesOf(device: UsbDevice, options: CameraOptions): Observable<VideoFrame> {
  const choice = chooseVideo(device.configuration, options);
  const { interfaceNumber } = choice.streaming;
  const picture = {
    name: `picture ${interfaceNumber}`,
    // Of this stream alone.
    value: choice,
    help: () => `interface ${interfaceNumber} of the camera has a stream already: share() it, or end it first`,
  };
  return relyOn(device, picture, negotiatedFrames(device, choice, options));
}

function negotiatedFrames(device: UsbDevice, choice: VideoChoice, options: CameraOptions): Observable<VideoFrame> {
  return concat(
    // In this order, and given back in the other: a driver that is attached to the first again needs the second.
    device.claimInterface(choice.function.interfaceNumber),
    device.selectDefaultAlternate(choice.streaming.interfaceNumber),
    negotiateVideo(device, choice),
  ).pipe(
    switchMap((video) => {
      const alternate = chooseAlternate(device.configuration, video, device.info.speed);
      return isochPipe(device, alternate)
        .results(options.stream)
        .pipe(
          videoFrames({
            format: video.format.encoding,
            width: video.size.width,
            height: video.size.height,
            maxFrameSize: video.maxFrameSize,
            frameDuration: alternate.frameDuration,
            incomplete: options.incomplete,
            statistics: (statistics) => options.started?.({ video, alternate, statistics }),
          }),
        );
    }),
  );
}
