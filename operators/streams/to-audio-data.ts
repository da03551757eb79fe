import { map, Observable, type OperatorFunction } from "rxjs";
import { InvalidRequestError } from "../../src/index.js";
import { slotSize, type TimedPcm } from "../../src/pcm.js";
import { globalClass } from "./global-class.js";

/** What is said of samples to make WebCodecs' `AudioData` of them. */
export interface AudioDataSource {
  readonly format: "u8" | "s16" | "s32" | "f32";
  readonly sampleRate: number;
  readonly numberOfFrames: number;
  readonly numberOfChannels: number;
  /** Microseconds. */
  readonly timestamp: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** What is known of every `AudioData`. With the class of the browser at hand, name it: it has the rest. */
export interface ClosableAudio {
  readonly timestamp: number;
  /** Gives its memory back. */
  close(): void;
}

/** What {@link toAudioData} makes audio with. */
export interface AudioDataOptions<A extends ClosableAudio> {
  /** Default: `globalThis.AudioData`. */
  readonly AudioData?: (new (init: AudioDataSource) => A) | undefined;
}

/**
 * Turns PCM into WebCodecs' `AudioData`, as `AudioEncoder` and `MediaStreamTrackGenerator` take it.
 * The samples are copied: two and four bytes as they are, one byte as unsigned, three bytes as four.
 *
 * What is emitted is the receiver's, to `close()`: what is not closed keeps its memory.
 *
 * Errors: `UnsupportedError` `unsupported` where there is no `AudioData`;
 * {@link InvalidRequestError} `invalid-option` for samples of another size, `length-mismatch` for
 * data that ends within a sample.
 *
 * @example
 * ```ts
 * import { toAudioData, type TimedPcm } from "rx-isoch/operators/streams";
 * import type { Observable } from "rxjs";
 *
 * export const timestamps = (sound: Observable<TimedPcm>) =>
 *   sound.pipe(toAudioData()).subscribe((audio) => {
 *     console.log(audio.timestamp);
 *     audio.close();
 *   });
 * ```
 *
 * @see toVideoFrames
 */
export function toAudioData<A extends ClosableAudio = ClosableAudio, T extends TimedPcm = TimedPcm>(
  options: AudioDataOptions<A> = {},
): OperatorFunction<T, A> {
  return (source) =>
    new Observable((subscriber) => {
      const AudioData = globalClass("AudioData", options.AudioData);
      return source.pipe(map((samples) => new AudioData(sourceOf(samples)))).subscribe(subscriber);
    });
}

function sourceOf({ format, data, timestamp }: TimedPcm): AudioDataSource {
  const { sampleRate, channels, kind = "pcm" } = format;
  const subslotSize = slotSize(format);
  const size = channels * subslotSize;
  if (data.length % size !== 0) {
    throw new InvalidRequestError(
      "length-mismatch",
      `${data.length} bytes are no whole number of samples of ${size} bytes: hand over whole ones`,
    );
  }
  const rest = { sampleRate, numberOfChannels: channels, numberOfFrames: data.length / size, timestamp };
  switch (`${kind} ${subslotSize}`) {
    case "pcm8 1":
      return { format: "u8", ...rest, data: Uint8Array.from(data) };
    case "pcm 1":
      return { format: "u8", ...rest, data: Uint8Array.from(data, (byte) => byte ^ 0x80) };
    case "pcm 2":
      return { format: "s16", ...rest, data: Uint8Array.from(data) };
    case "pcm 3":
      return { format: "s32", ...rest, data: widened(data) };
    case "pcm 4":
      return { format: "s32", ...rest, data: Uint8Array.from(data) };
    case "float 4":
      return { format: "f32", ...rest, data: Uint8Array.from(data) };
    default:
      throw new InvalidRequestError("invalid-option", `AudioData has no samples of ${subslotSize} bytes (${kind})`);
  }
}

function widened(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const wide = new Uint8Array((data.length / 3) * 4);
  for (let from = 0, to = 1; from < data.length; from += 3, to += 4) wide.set(data.subarray(from, from + 3), to);
  return wide;
}
