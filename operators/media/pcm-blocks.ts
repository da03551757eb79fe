import { Observable, type OperatorFunction } from "rxjs";
import { statusCodes, type IsochResults } from "../../src/index.js";
import { oneOf } from "../../src/numbers.js";
import { subscribeInner } from "../../src/subscribe-inner.js";
import { checkPcmFormat, PcmBlock, type CompletePcmFormat, type PcmWireFormat } from "./pcm-block.js";

/**
 * What becomes of samples that were lost with their packets.
 *
 * - `leave-out`: the next block says how many there were.
 * - `silence`: blocks of silence, all of them lost, keep time.
 */
export type LostSamplesPolicy = "leave-out" | "silence";

/** How `pcmBlocks` treats losses. */
export interface PcmBlocksOptions {
  /** Default: `leave-out`. */
  readonly lost?: LostSamplesPolicy | undefined;
}

/**
 * Takes audio out of the results of an IN pipe: one block for each transfer, or several where a loss parts it.
 *
 * Packets may have any number of samples. A packet that failed, and a frame of the bus that was lost, count as many
 * samples as the nominal rate has in that time, exactly in the long run; of a sample that was cut off at the end of a
 * packet nothing is kept. A loss that nothing follows is told in a last block of no frames.
 *
 * Errors: those of the source; `InvalidRequestError`, thrown at the call.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { pcmBlocks } from "rx-isoch/operators/media";
 *
 * export const stereo = (pipe: IsochPipe) =>
 *   pipe.results().pipe(pcmBlocks({ sampleRate: 48_000, channels: 2, bits: 16 }, { lost: "silence" }));
 * ```
 *
 * @see microphone
 */
export function pcmBlocks(
  format: PcmWireFormat,
  options: PcmBlocksOptions = {},
): OperatorFunction<IsochResults, PcmBlock> {
  const complete = checkPcmFormat(format);
  const lost = oneOf("lost", options.lost ?? "leave-out", ["leave-out", "silence"]);
  return (source) =>
    new Observable((subscriber) => {
      const blocks = new BlockMaker(complete, lost);
      const emit = (made: Iterable<PcmBlock>) => {
        for (const block of made) {
          subscriber.next(block);
          if (subscriber.closed) return;
        }
      };
      subscribeInner(source, subscriber, {
        next: (results) => {
          emit(blocks.add(results));
        },
        error: (error: unknown) => {
          emit(blocks.flush());
          subscriber.error(error);
        },
        complete: () => {
          emit(blocks.flush());
          subscriber.complete();
        },
      });
    });
}

/** Frames in a block of silence, at most: a long loss costs time, not memory. */
const mostSilentFrames = 65_536;

class BlockMaker {
  readonly #format: CompletePcmFormat;
  readonly #policy: LostSamplesPolicy;
  /** Bytes of a frame. */
  readonly #size: number;
  readonly #silence: number;
  #next = 0;
  #lost = 0;
  /** Millionths of a frame that are lost beside whole ones. */
  #fraction = 0;
  #timestamp = 0;

  constructor(format: CompletePcmFormat, policy: LostSamplesPolicy) {
    this.#format = format;
    this.#policy = policy;
    this.#size = format.channels * format.subslotSize;
    this.#silence = format.kind === "pcm8" ? 0x80 : 0;
  }

  *add(results: IsochResults): Generator<PcmBlock> {
    this.#timestamp = results.timestamp;
    yield* this.#lose(results.lost);
    const { data, actual, statuses, served } = results.compact();
    let start = 0;
    let end = 0;
    for (let i = 0; i < served; i++) {
      const length = actual[i] ?? 0;
      const whole = length - (length % this.#size);
      const isOk = statuses[i] === statusCodes.ok;
      if (isOk) end += whole;
      if (!isOk || whole < length) {
        if (end > start) yield this.#block(data.subarray(start, end));
        start = end = isOk ? end + length - whole : end + length;
        if (isOk) yield* this.#loseFrames(1);
        else yield* this.#lose(1);
      }
    }
    if (end > start) yield this.#block(data.subarray(start, end));
  }

  *flush(): Generator<PcmBlock> {
    if (this.#lost > 0) yield this.#block(new Uint8Array(0));
  }

  /** So many packets are lost. */
  *#lose(packets: number): Generator<PcmBlock> {
    if (packets === 0) return;
    const { sampleRate, frameDuration } = this.#format;
    const due = this.#fraction + packets * sampleRate * frameDuration;
    this.#fraction = due % 1_000_000;
    yield* this.#loseFrames((due - this.#fraction) / 1_000_000);
  }

  *#loseFrames(count: number): Generator<PcmBlock> {
    if (this.#policy === "leave-out") {
      this.#lost += count;
      return;
    }
    for (let left = count; left > 0; left -= mostSilentFrames) {
      this.#lost = Math.min(left, mostSilentFrames);
      this.#next -= this.#lost;
      yield this.#block(new Uint8Array(this.#lost * this.#size).fill(this.#silence));
    }
  }

  #block(data: Uint8Array): PcmBlock {
    const lost = this.#lost;
    const firstFrame = this.#next + lost;
    const block = new PcmBlock({ format: this.#format, firstFrame, data, lost, timestamp: this.#timestamp });
    this.#lost = 0;
    this.#next = firstFrame + block.frames;
    return block;
  }
}
