import { concat, defer, map, type Observable } from "rxjs";
import {
  chooseAlternate,
  negotiateVideo,
  VideoFrameAssembler,
  type IncompletePolicy,
  type NegotiatedVideo,
  type VideoAlternate,
  type VideoChoice,
} from "../../class/uvc/index.js";
import type { ConfigurationDescriptor, UsbDevice } from "../../index.js";

/** A camera that has agreed on a picture, and is ready to stream. */
export interface OpenVideo {
  readonly video: NegotiatedVideo;
  /** The endpoint to stream from. */
  readonly alternate: VideoAlternate;
  /** Makes pictures of what it sends. */
  readonly assembler: VideoFrameAssembler;
}

/**
 * Has an open camera agree on a picture. As `camera` does it; but for the account of a command, the results of the bus
 * are wanted beside the pictures.
 *
 * Errors: what `choose` throws; those of `negotiateVideo` and `chooseAlternate`; `BusyError`.
 */
export function openVideo(
  device: UsbDevice,
  choose: (configuration: ConfigurationDescriptor) => VideoChoice,
  incomplete: IncompletePolicy = "drop",
): Observable<OpenVideo> {
  return defer(() => {
    const choice = choose(device.configuration);
    return concat(
      device.claimInterface(choice.function.interfaceNumber),
      device.claimInterface(choice.streaming.interfaceNumber),
      negotiateVideo(device, choice),
    );
  }).pipe(
    map((video) => {
      const alternate = chooseAlternate(device.configuration, video, device.info.speed);
      const assembler = new VideoFrameAssembler({
        format: video.format.encoding,
        width: video.size.width,
        height: video.size.height,
        maxFrameSize: video.maxFrameSize,
        frameDuration: alternate.frameDuration,
        incomplete,
      });
      return { video, alternate, assembler };
    }),
  );
}
