import type { VideoEncoding } from "./model.js";
import type { SourceClock } from "./payload-header.js";

/** What is wrong with a video frame; all zero where it is complete. */
export interface VideoFlaws {
  /** Packets that failed on the bus, or had no header that can be: their bytes are not in the data. */
  readonly damagedPackets: number;
  /** Bus frames that were lost while the video frame was under way, or directly before it or behind it. */
  readonly lostFrames: number;
  /** Payloads that the device itself marked as bad (ERR). Their bytes are in the data. */
  readonly deviceErrors: number;
  /** Bytes beyond the committed size, which were cut off. */
  readonly oversizeBytes: number;
  /** Bytes that a raw picture of this size lacks. */
  readonly missingBytes: number;
  /** 1 where a frame of MJPEG does not begin as a JPEG does, else 0. */
  readonly garbage: number;
}

/** A picture of a camera, or a piece of its video stream. */
export interface VideoFrame {
  /** What `data` is. */
  readonly format: VideoEncoding;
  readonly width: number;
  readonly height: number;
  /** The receiver's: nobody else reads or writes it. Its `buffer` may be longer. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** `complete` only where nothing is known to be missing or wrong. */
  readonly status: "complete" | "incomplete";
  readonly flaws: VideoFlaws;
  /** The bus frame of its first packet with data; see `FrameResult.frame`. */
  readonly firstFrame: number;
  /** The bus frame of its last packet with data. */
  readonly lastFrame: number;
  /** The presentation time, in units of {@link VideoFunction.clockFrequency}, if the device tells it. */
  readonly pts: number | undefined;
  /** The clock of the device, as the first payload that tells it has it. */
  readonly scr: SourceClock | undefined;
  /** When its first packet was on the bus: microseconds, monotonic, from `IsochResults.timestamp`. */
  readonly timestamp: number;
  /** Counts video frames that were seen to end, from 0. A jump is one that was dropped. */
  readonly sequence: number;
  /** It has the PTS of the one before: the device sent a picture again, or its clock stands. */
  readonly repeated: boolean;
  /** A still image (STI). */
  readonly still: boolean;
}

/** What a {@link VideoFrameAssembler} has met so far. */
export interface VideoStatistics {
  /** Video frames that were complete. */
  readonly complete: number;
  /** Video frames that were not: emitted, or `dropped`. */
  readonly incomplete: number;
  /** Of the incomplete ones: not emitted, under the policy `drop`. */
  readonly dropped: number;
  /** Frames that had begun before the first packet was seen, or had no end when the last was: not emitted. */
  readonly partial: number;
  /** Video frames with the PTS of the one before. */
  readonly repeated: number;
  /** Bus frames that were delivered; the five that follow are kinds of it, the rest had data. */
  readonly packets: number;
  /** Without a byte. */
  readonly emptyPackets: number;
  /** With a header and no data. */
  readonly emptyPayloads: number;
  /** That failed on the bus. */
  readonly failedPackets: number;
  /** Whose bHeaderLength lies: less than 2, or more than the packet has. */
  readonly badHeaders: number;
  /** Bus frames that were lost. */
  readonly lostFrames: number;
  /** Headers that are too short for the time stamps they announce; their data is taken. */
  readonly shortHeaders: number;
  /** Payloads that the device marked as bad (ERR). */
  readonly deviceErrors: number;
  /** Video frames that ended with a toggle of FID and no EOF. */
  readonly missingEnds: number;
  /** Video frames that followed an EOF, or another PTS, and no toggle of FID. */
  readonly missingToggles: number;
  /** Video frames with more than the committed size. */
  readonly oversize: number;
  /** Raw pictures with less than their size. */
  readonly truncated: number;
  /** Frames of MJPEG that do not begin as a JPEG does. */
  readonly garbage: number;
  /** Bytes of payload, without the headers. */
  readonly bytes: number;
  /** Of those: in no video frame that was emitted, nor in the one that is under way. */
  readonly discardedBytes: number;
}
