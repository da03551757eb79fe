import { FrameBuffer } from "./frame-buffer.js";
import type { VideoEncoding } from "./model.js";
import type { SourceClock } from "./payload-header.js";
import { pictureBytes } from "./raw-pictures.js";
import type { Counters } from "./statistics.js";
import type { VideoFlaws, VideoFrame } from "./video-frame.js";

const flawless: VideoFlaws = Object.freeze({
  damagedPackets: 0,
  lostFrames: 0,
  deviceErrors: 0,
  oversizeBytes: 0,
  missingBytes: 0,
  garbage: 0,
});

/** The video frame that is under way: its bytes, its times, and what went wrong in it. */
export class OpenFrame {
  damagedPackets = 0;
  lostFrames = 0;
  /** Of these, told with the frame before already: its own only if its beginning is missing. */
  damagedBefore = 0;
  lostBefore = 0;
  deviceErrors = 0;
  still = false;
  pts: number | undefined;
  scr: SourceClock | undefined;
  readonly buffer: FrameBuffer;
  readonly #format: VideoEncoding;
  readonly #width: number;
  readonly #height: number;
  /** Of a raw picture. */
  readonly #exactBytes: number | undefined;
  #firstFrame = 0;
  #lastFrame = 0;
  #timestamp = 0;
  #oversizeBytes = 0;

  /** @param maxBytes of formats that do not tell it by themselves */
  constructor(format: VideoEncoding, width: number, height: number, maxBytes: number) {
    this.#format = format;
    this.#width = width;
    this.#height = height;
    this.#exactBytes = pictureBytes(format, width, height);
    this.buffer = new FrameBuffer(this.#exactBytes ?? maxBytes, this.#exactBytes !== undefined);
  }

  begin(busFrame: number, timestamp: number): void {
    this.#firstFrame = busFrame;
    this.#timestamp = timestamp;
    this.damagedPackets = this.lostFrames = this.damagedBefore = this.lostBefore = 0;
    this.deviceErrors = this.#oversizeBytes = 0;
    this.still = false;
    this.pts = this.scr = undefined;
  }

  append(source: Uint8Array, start: number, end: number, busFrame: number): void {
    this.#oversizeBytes += end - start - this.buffer.append(source, start, end);
    this.#lastFrame = busFrame;
  }

  /** A raw picture with every byte of it. */
  get isFull(): boolean {
    return this.#oversizeBytes === 0 && this.buffer.filled === this.#exactBytes;
  }

  /** Whether the bytes show that nothing is missing at the beginning. */
  get showsBeginning(): boolean {
    return this.isFull || (this.#format === "mjpeg" && this.#beginsAsJpeg) || this.#beginsWithStartCode;
  }

  get #beginsAsJpeg(): boolean {
    return this.buffer.byte(0) === 0xff && this.buffer.byte(1) === 0xd8 && this.buffer.filled > 1;
  }

  /** As NAL units of H.264 and H.265 do (ISO/IEC 14496-10, annex B). */
  get #beginsWithStartCode(): boolean {
    if (this.#format !== "h264" && this.#format !== "h265") return false;
    const one = this.buffer.byte(2) === 0 ? 3 : 2;
    return this.buffer.byte(0) === 0 && this.buffer.byte(1) === 0 && this.buffer.byte(one) === 1;
  }

  /** Ends the frame and counts it. Taken out, its bytes are the receiver's; else they are given up. */
  end(sequence: number, repeated: boolean, emitsIncomplete: boolean, counters: Counters): VideoFrame | undefined {
    const flaws = this.#flaws();
    if (repeated) counters.repeated++;
    counters.discardedBytes += flaws.oversizeBytes;
    counters.oversize += Number(flaws.oversizeBytes > 0);
    counters.truncated += Number(flaws.missingBytes > 0);
    counters.garbage += flaws.garbage;
    if (flaws === flawless) {
      counters.complete++;
    } else {
      counters.incomplete++;
      if (!emitsIncomplete) {
        counters.dropped++;
        this.#giveUp(counters);
        return undefined;
      }
    }
    return {
      format: this.#format,
      width: this.#width,
      height: this.#height,
      data: this.buffer.take(),
      status: flaws === flawless ? "complete" : "incomplete",
      flaws,
      firstFrame: this.#firstFrame,
      lastFrame: this.#lastFrame,
      pts: this.pts,
      scr: this.scr,
      timestamp: this.#timestamp,
      sequence,
      repeated,
      still: this.still,
    };
  }

  /** Gives up a frame of which the beginning or the end was not seen. */
  abandon(counters: Counters): void {
    counters.partial++;
    counters.discardedBytes += this.#oversizeBytes;
    this.#giveUp(counters);
  }

  #giveUp(counters: Counters): void {
    counters.discardedBytes += this.buffer.filled;
    this.buffer.clear();
  }

  #flaws(): VideoFlaws {
    const { deviceErrors } = this;
    const begins = this.showsBeginning;
    const damagedPackets = this.damagedPackets - (begins ? this.damagedBefore : 0);
    const lostFrames = this.lostFrames - (begins ? this.lostBefore : 0);
    const oversizeBytes = this.#oversizeBytes;
    const missingBytes =
      (this.#exactBytes ?? 0) > this.buffer.filled ? (this.#exactBytes ?? 0) - this.buffer.filled : 0;
    const garbage = this.#format === "mjpeg" && !this.#beginsAsJpeg ? 1 : 0;
    const sum = damagedPackets + lostFrames + deviceErrors + oversizeBytes + missingBytes + garbage;
    if (sum === 0) return flawless;
    return { damagedPackets, lostFrames, deviceErrors, oversizeBytes, missingBytes, garbage };
  }
}
