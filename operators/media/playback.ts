import { UnderrunError, type IsochRequest, type IsochResults } from "../../src/index.js";
import type { AudioFeedback } from "../../src/class/uac/index.js";
import type { ChosenAudio } from "./audio-choice.js";
import type { Pace } from "./feedback-loop.js";
import type { PcmQueue } from "./pcm-queue.js";

/** One transfer that a speaker was sent. */
export interface Played {
  /** What became of its packets. */
  readonly results: IsochResults;
  /** Samples of silence in it, because nothing else was there in time. */
  readonly silence: number;
  /** Samples a second at which packets were made then: what the feedback asked for, or the nominal rate. */
  readonly sampleRate: number;
  /** What the pace goes by. */
  readonly feedback: AudioFeedback["type"];
}

/** What was made of samples, and is on its way. */
interface Sent {
  readonly silence: number;
  readonly sampleRate: number;
}

/** Makes requests of what there is to play, each the moment it is wanted, at the pace that holds then. */
export class Playback {
  readonly #pcm: PcmQueue;
  readonly #pace: Pace;
  readonly #chosen: ChosenAudio;
  readonly #frames: number;
  readonly #underrun: "silence" | "error";
  readonly #sent: Sent[] = [];

  constructor(pcm: PcmQueue, pace: Pace, chosen: ChosenAudio, frames: number, underrun: "silence" | "error") {
    this.#pcm = pcm;
    this.#pace = pace;
    this.#chosen = chosen;
    this.#frames = frames;
    this.#underrun = underrun;
  }

  /** @throws {@link UnderrunError}; what the source failed with */
  *requests(): Generator<IsochRequest> {
    const { frameSize, format } = this.#chosen;
    while (!this.#pcm.isDone()) {
      const lengths = Uint32Array.from({ length: this.#frames }, () => this.#pace.next() * frameSize);
      const buffer = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
      const filled = this.#pcm.take(buffer, frameSize);
      const isEnd = filled < buffer.length && this.#pcm.isDone();
      if (filled < buffer.length) buffer.fill(format.kind === "pcm8" ? 0x80 : 0, filled);
      if (isEnd) {
        if (filled > 0) yield this.#send(ending(lengths, buffer, filled + padding(filled, frameSize)), 0);
        return;
      }
      if (filled < buffer.length && this.#underrun === "error") {
        throw new UnderrunError(
          "underrun",
          "no samples were there when the speaker needed the next ones: push earlier, or choose the underrun policy 'silence'",
        );
      }
      yield this.#send({ lengths, buffer }, (buffer.length - filled) / frameSize);
    }
  }

  /** The oldest request has come back. */
  played(results: IsochResults): Played {
    if (results.lost > 0) this.#pace.skipped(results.lost);
    const { silence, sampleRate } = this.#sent.shift() ?? { silence: 0, sampleRate: this.#pace.sampleRate() };
    return { results, silence, sampleRate, feedback: this.#pace.type };
  }

  #send(request: IsochRequest, silence: number): IsochRequest {
    this.#sent.push({ silence, sampleRate: this.#pace.sampleRate() });
    return request;
  }
}

/** Bytes up to the next whole sample. */
function padding(length: number, frameSize: number): number {
  return (frameSize - (length % frameSize)) % frameSize;
}

/** A request of what is left, in as many packets as it takes. */
function ending(lengths: Uint32Array, buffer: Uint8Array, total: number): IsochRequest {
  const left: number[] = [];
  let rest = total;
  for (const length of lengths) {
    if (rest === 0) break;
    left.push(Math.min(length, rest));
    rest -= Math.min(length, rest);
  }
  return { lengths: left, buffer: buffer.subarray(0, total) };
}
