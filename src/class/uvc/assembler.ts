import type { IsochResults } from "../../results.js";
import { statusCodes } from "../../status.js";
import { checkAssembly, type AssemblerOptions } from "./assembler-options.js";
import { OpenFrame } from "./open-frame.js";
import { headerBits, isCutShort, leastHeader, presentationTime, sourceClock } from "./payload-header.js";
import { newCounters } from "./statistics.js";
import type { VideoFrame, VideoStatistics } from "./video-frame.js";

const noted = headerBits.error | headerBits.endOfFrame | headerBits.still;

/**
 * Puts video frames together from the packets of a UVC endpoint (UVC 1.5, 2.4.3.2 and 2.4.3.3).
 *
 * A frame ends with EOF, or where FID toggles; devices that do only one of the two are served as well. Each
 * byte is copied once, into the frame it belongs to. One frame is held, of
 * {@link AssemblerOptions.maxFrameSize} bytes at most, and none that is emitted is longer.
 *
 * A frame is `complete` only if every bus frame since the one before it was delivered and went well, no header
 * lied, the device marked no payload as bad, and the bytes can be: those of a raw picture exactly; of MJPEG up to
 * the committed size, beginning as a JPEG does. All else is `incomplete`, and left to the policy. What had begun
 * before the first packet is given up, unless its bytes show the beginning. All that is given up, cut or odd
 * is counted in {@link VideoFrameAssembler.statistics}.
 *
 * @example
 * ```ts
 * import type { IsochResults } from "rx-isoch";
 * import { VideoFrameAssembler } from "rx-isoch/class/uvc";
 *
 * const assembler = new VideoFrameAssembler({ format: "yuy2", width: 640, height: 480 });
 *
 * export function received(results: IsochResults): void {
 *   for (const { sequence, data } of assembler.push(results)) console.log(sequence, data.length);
 * }
 * ```
 */
export class VideoFrameAssembler {
  readonly #counters = newCounters();
  readonly #frame: OpenFrame;
  readonly #emitsIncomplete: boolean;
  readonly #frameDuration: number;
  #isOpen = false;
  /** Nothing of the frame that is open can have come before the first packet. */
  #isBeginningSeen = false;
  /** FID of the frame that is open, or of the one before; -1 before the first. */
  #frameId = -1;
  #nextBusFrame: number | undefined;
  /** Since the last packet with data; which video frame they belong to, the next packet shows. */
  #damagedPackets = 0;
  #lostFrames = 0;
  /** Of these, told with the frame before already, which had no EOF. */
  #damagedBefore = 0;
  #lostBefore = 0;
  /** Of the device, in payloads without data, for the frame that follows. */
  #deviceErrors = 0;
  #sequence = 0;
  #lastPts: number | undefined;

  /** @throws `InvalidRequestError` */
  constructor(options: AssemblerOptions) {
    const { format, width, height, maxFrameSize, frameDuration, incomplete } = checkAssembly(options);
    this.#frame = new OpenFrame(format, width, height, maxFrameSize);
    this.#frameDuration = frameDuration;
    this.#emitsIncomplete = incomplete === "emit";
  }

  /** What it has met so far: the same object every time, which goes on counting. */
  get statistics(): VideoStatistics {
    return this.#counters;
  }

  /** Bytes of memory that it holds for the frame that is under way. */
  get bufferedBytes(): number {
    return this.#frame.buffer.capacity;
  }

  /** Takes the results of a transfer, in the order of the bus; returns the video frames that ended in it. */
  push(results: IsochResults): VideoFrame[] {
    const { actual, statuses, data, served, firstFrame } = results;
    const strides = results.compacted ? actual : results.requested;
    const ended: VideoFrame[] = [];
    this.#noteGap(results, ended);
    for (let i = 0, offset = 0; i < served; offset += strides[i] ?? 0, i++) {
      const length = actual[i] ?? 0;
      const status = statuses[i] ?? 0;
      if (status !== 0 || length === 0) {
        this.#noteEmpty(status);
        continue;
      }
      this.#counters.packets++;
      const header = data[offset] ?? 0;
      if (header < leastHeader || header > length) {
        this.#counters.badHeaders++;
        this.#damagedPackets++;
        continue;
      }
      const info = data[offset + 1] ?? 0;
      if (this.#isOpen && this.#isBoundary(data, offset)) this.#endUnmarked(ended);
      if (header < length) {
        if (!this.#isOpen) {
          const timestamp = results.timestamp - (served - i) * this.#frameDuration;
          this.#open(info & headerBits.frameId, firstFrame + i, timestamp);
        }
        this.#take(data, offset, offset + length, firstFrame + i);
      } else {
        this.#counters.emptyPayloads++;
      }
      if ((info & noted) !== 0) this.#heed(info, ended);
    }
    this.#nextBusFrame = firstFrame + served;
    return ended;
  }

  /**
   * The stream is over. Returns the frame that is under way if it is whole although no end was seen, as a raw
   * picture can show; any other is counted as `partial`. What is pushed after it is a stream of its own.
   */
  flush(): VideoFrame[] {
    const ended: VideoFrame[] = [];
    if (this.#isOpen) {
      if (this.#frame.isFull) this.#end(ended);
      else this.#frame.abandon(this.#counters);
    }
    this.#isOpen = this.#isBeginningSeen = false;
    this.#frameId = -1;
    this.#nextBusFrame = this.#lastPts = undefined;
    this.#damagedPackets = this.#lostFrames = this.#damagedBefore = this.#lostBefore = this.#deviceErrors = 0;
    return ended;
  }

  /** A loss before these results. Where they go back, a stream begins anew. */
  #noteGap({ firstFrame, lost }: IsochResults, ended: VideoFrame[]): void {
    const jump = firstFrame - (this.#nextBusFrame ?? firstFrame);
    if (jump < 0) ended.push(...this.flush());
    const missing = Math.max(lost, jump);
    this.#counters.lostFrames += missing;
    this.#lostFrames += missing;
  }

  /** A bus frame of which no byte can be used. */
  #noteEmpty(status: number): void {
    if (status === statusCodes.lost) {
      this.#counters.lostFrames++;
      this.#lostFrames++;
      return;
    }
    this.#counters.packets++;
    if (status === 0) {
      this.#counters.emptyPackets++;
    } else {
      this.#counters.failedPackets++;
      this.#damagedPackets++;
    }
  }

  /**
   * Whether a packet is not of the frame that is open. Behind a loss FID may have toggled twice, and then another
   * PTS tells; otherwise PTS is not asked, because there are devices that change it within a frame.
   */
  #isBoundary(data: Uint8Array, offset: number): boolean {
    if (((data[offset + 1] ?? 0) & headerBits.frameId) !== this.#frameId) return true;
    if (this.#lostFrames === 0 && this.#damagedPackets === 0) return false;
    const { pts } = this.#frame;
    return pts !== undefined && (presentationTime(data, offset) ?? pts) !== pts;
  }

  #open(frameId: number, busFrame: number, timestamp: number): void {
    if (frameId === this.#frameId) this.#counters.missingToggles++;
    this.#frameId = frameId;
    this.#isOpen = true;
    this.#frame.begin(busFrame, timestamp);
    this.#frame.deviceErrors = this.#deviceErrors;
    this.#deviceErrors = 0;
  }

  #take(data: Uint8Array, offset: number, end: number, busFrame: number): void {
    const frame = this.#frame;
    const start = offset + (data[offset] ?? 0);
    if (isCutShort(start - offset, data[offset + 1] ?? 0)) this.#counters.shortHeaders++;
    if (this.#damagedPackets !== 0 || this.#lostFrames !== 0) this.#settle();
    frame.pts ??= presentationTime(data, offset);
    frame.scr ??= sourceClock(data, offset);
    this.#counters.bytes += end - start;
    frame.append(data, start, end, busFrame);
  }

  /** What went wrong since the last packet was within the frame that is open. */
  #settle(): void {
    const frame = this.#frame;
    frame.damagedPackets += this.#damagedPackets;
    frame.lostFrames += this.#lostFrames;
    frame.damagedBefore += this.#damagedBefore;
    frame.lostBefore += this.#lostBefore;
    this.#damagedPackets = this.#lostFrames = this.#damagedBefore = this.#lostBefore = 0;
  }

  #heed(info: number, ended: VideoFrame[]): void {
    if ((info & headerBits.error) !== 0) {
      this.#counters.deviceErrors++;
      if (this.#isOpen) this.#frame.deviceErrors++;
      else if ((info & headerBits.frameId) !== this.#frameId) this.#deviceErrors++;
    }
    if (!this.#isOpen) return;
    if ((info & headerBits.still) !== 0) this.#frame.still = true;
    if ((info & headerBits.endOfFrame) !== 0) this.#end(ended);
  }

  /** Ends a frame that had no EOF. What went wrong since its last packet may have been of the next one, too. */
  #endUnmarked(ended: VideoFrame[]): void {
    const damagedPackets = this.#damagedPackets;
    const lostFrames = this.#lostFrames;
    this.#counters.missingEnds++;
    this.#end(ended);
    this.#damagedPackets = this.#damagedBefore = damagedPackets;
    this.#lostFrames = this.#lostBefore = lostFrames;
  }

  #end(ended: VideoFrame[]): void {
    this.#settle();
    this.#isOpen = false;
    if (this.#isBeginningSeen || this.#frame.showsBeginning) {
      const { pts } = this.#frame;
      const isRepeated = pts !== undefined && pts === this.#lastPts;
      this.#lastPts = pts;
      const frame = this.#frame.end(this.#sequence++, isRepeated, this.#emitsIncomplete, this.#counters);
      if (frame !== undefined) ended.push(frame);
    } else {
      this.#frame.abandon(this.#counters);
    }
    this.#isBeginningSeen = true;
  }
}
