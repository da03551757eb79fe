import type { Observable } from "rxjs";
import type { BadFramePolicy } from "../../../operators/index.js";
import type { FilePiece } from "../files/output.js";
import type { FrameCounts } from "../stream-account.js";
import type { StreamTarget } from "../target.js";

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
}

/** What goes into the file next, and what came from the bus for that. */
export interface CaptureStep {
  readonly pieces: readonly FilePiece[];
  readonly counts: FrameCounts;
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
  /** Opens the device, and tells what goes into the file. Completes when the device is closed. */
  capture(target: StreamTarget, context: CaptureContext): Observable<CaptureStep>;
}
