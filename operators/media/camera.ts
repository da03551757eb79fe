import { concat, defer, Observable, Subject, switchMap, takeUntil } from "rxjs";
import {
  chooseAlternate,
  chooseVideo,
  negotiateVideo,
  type IncompletePolicy,
  type NegotiatedVideo,
  type VideoAlternate,
  type VideoFrame,
  type VideoSelector,
  type VideoStatistics,
} from "../../src/class/uvc/index.js";
import {
  isochPipe,
  openDevice,
  type DeviceSelector,
  type IsochTransport,
  type StreamOptions,
  type UsbDevice,
} from "../../src/index.js";
import { subscribeInner } from "../../src/subscribe-inner.js";
import { videoFrames } from "./video-frames.js";

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
 * refuses the picture, `device-gone`; `BandwidthError` where no alternate setting, or not the bus, carries it;
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
  transport: IsochTransport,
  selector: DeviceSelector,
  options: CameraOptions = {},
): Observable<VideoFrame> {
  return new Observable((subscriber) => {
    const over = new Subject<void>();
    subscribeInner(openDevice(transport, selector).pipe(takeUntil(over)), subscriber, {
      next: (device) => {
        subscribeInner(framesOf(device, options), subscriber, {
          next: (frame) => {
            subscriber.next(frame);
          },
          error: (error: unknown) => {
            // Closing before anybody hears of it, so that the one who does can subscribe again.
            over.next();
            subscriber.error(error);
          },
        });
      },
      complete: () => {
        // The stream ends where the frames do.
      },
    });
  });
}

function framesOf(device: UsbDevice, options: CameraOptions): Observable<VideoFrame> {
  return defer(() => {
    const choice = chooseVideo(device.configuration, options);
    return concat(
      // In this order, and given back in the other: a driver that is attached to the first again needs the second.
      device.claimInterface(choice.function.interfaceNumber),
      device.claimInterface(choice.streaming.interfaceNumber),
      negotiateVideo(device, choice),
    );
  }).pipe(
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
