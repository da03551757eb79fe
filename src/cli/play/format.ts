import type { Observable } from "rxjs";
import type { UnderrunPolicy } from "../../../operators/index.js";
import type { Input } from "../files/input.js";
import type { FrameCounts } from "../stream-account.js";
import type { StreamTarget } from "../target.js";
import type { VirtualKind } from "../virtual-devices.js";

/** How much goes into a frame. */
export type PlayPace =
  | { readonly frameLength: number | undefined }
  | {
      readonly sampleRate: number;
      /** Bytes of a sample, all channels together. */
      readonly sampleSize: number;
    };

/** What a format is told of how to play. */
export interface PlayContext {
  /** A value means: send no more, but let what is under way arrive. */
  readonly stop: Observable<unknown>;
  /** A value means: cancel what is under way. */
  readonly abort: Observable<unknown>;
  readonly pace: PlayPace;
  /** Frames in a transfer. */
  readonly transfer: number | undefined;
  /** Transfers in flight. */
  readonly queue: number;
  readonly underrun: UnderrunPolicy | undefined;
}

/** A format of files that can be sent to a device. */
export interface PlayFormat {
  /** What `--format` calls it. */
  readonly name: string;
  /** For the help text. */
  readonly description: string;
  /** By which a file is known to be of this format. */
  readonly extensions: readonly string[];
  /** Set where it is not read front to back, so that it cannot be the standard input. */
  readonly needsFile: boolean;
  /** The device where none is named. */
  readonly virtual: VirtualKind;
  /**
   * Says no to what means nothing to the format, before anything is opened.
   *
   * @throws UsageError
   */
  check?(context: Pick<PlayContext, "pace" | "transfer" | "underrun">): void;
  /** Opens the device, and tells what was sent. Completes when the device is closed. */
  play(input: Input, target: StreamTarget, context: PlayContext): Observable<FrameCounts>;
}
