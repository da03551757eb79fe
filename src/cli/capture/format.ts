import type { Observable } from "rxjs";
import type { BadFramePolicy } from "../../../operators/index.js";
import type { MicrophoneOptions } from "../../../operators/media/index.js";
import type { FilePiece } from "../files/output.js";
import type { FrameCounts } from "../stream-account.js";
import type { StreamTarget } from "../target.js";
import type { PictureWish } from "../video/choose-picture.js";
import type { VirtualKind } from "../virtual-devices.js";

/** What a format is told of how to capture. */
export interface CaptureContext {
  /** A value means: come to an end, with what has come. */
  readonly stop: Observable<unknown>;
  /** While it is `true`, the file takes no more for now. */
  readonly pause: Observable<boolean>;
  /** How many are enough. Default: no number is. */
  readonly frames: number | undefined;
  /** Frames in a transfer. */
  readonly transfer: number | undefined;
  /** Transfers in flight. */
  readonly queue: number;
  readonly badFrames: BadFramePolicy;
  /** What pictures are to be like. */
  readonly picture: PictureWish;
  /** How many pictures are enough. Default: what the format has, or no number is. */
  readonly count: number | undefined;
  /** What sound is to be like. */
  readonly sound: SoundWish;
}

/** What sound is to be like, as far as it matters. */
export type SoundWish = Pick<MicrophoneOptions, "sampleRate" | "channels">;

/** What goes into the file next, and what came from the bus for that. */
export interface CaptureStep {
  readonly pieces: readonly FilePiece[];
  readonly counts: FrameCounts;
  /** What has become of pictures until now. */
  readonly pictures?: PictureCounts;
}

/** What became of pictures. */
export interface PictureCounts {
  /** Those in the file. */
  readonly written: number;
  /** Those in which something was missing, kept or left out. */
  readonly incomplete: number;
}

/** A format of files that a stream can be captured in. */
export interface CaptureFormat {
  /** What `--format` calls it. */
  readonly name: string;
  /** For the help text. */
  readonly description: string;
  /** By which a file is known to be of this format. */
  readonly extensions: readonly string[];
  /** Set where the file is changed at the end, so that it cannot be the standard output. */
  readonly needsFile: boolean;
  /** What is in it, where that is no matter of the device. */
  readonly media?: "pictures" | "sound";
  /** Set where a file has one picture: several go into several files. */
  readonly isSeries?: true;
  /** What can become of frames that failed. */
  readonly badFrames: readonly BadFramePolicy[];
  /** The device where none is named. */
  readonly virtual: VirtualKind;
  /** Opens the device, and tells what goes into the file. Completes when the device is closed. */
  capture(target: StreamTarget, context: CaptureContext): Observable<CaptureStep>;
}
