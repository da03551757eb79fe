import type { VideoEncoding, VideoFrame, VideoStatistics } from "../../class/uvc/index.js";
import type { IsochResults } from "../../index.js";
import type { OpenVideo } from "./open-video.js";

/** How the pictures of a camera come along. */
export interface VideoState {
  readonly format: VideoEncoding;
  readonly width: number;
  readonly height: number;
  /** Pictures a second that were agreed on. */
  readonly agreedRate: number;
  /** Pictures a second of late. */
  readonly recentRate: number;
  /** Pictures a second from the first to the last. */
  readonly meanRate: number;
  readonly complete: number;
  /** Pictures in which something was missing: they are not shown. */
  readonly incomplete: number;
  /** The last complete one. */
  readonly picture: VideoFrame | undefined;
}

/** Over so many microseconds the recent rate is taken. */
const recent = 1_000_000;

/** Makes pictures of results, and counts them. */
export class VideoTrack {
  readonly #open: OpenVideo;
  readonly #taken: (picture: VideoFrame) => void;
  /** When the pictures of late came, in microseconds. */
  #times: number[] = [];
  #first: number | undefined;
  #count = 0;
  #picture: VideoFrame | undefined;

  /** @param taken is told of each picture */
  constructor(open: OpenVideo, taken: (picture: VideoFrame) => void) {
    this.#open = open;
    this.#taken = taken;
  }

  get statistics(): VideoStatistics {
    return this.#open.assembler.statistics;
  }

  push(results: IsochResults): void {
    this.#take(this.#open.assembler.push(results));
  }

  /** There is no more: what is whole counts. */
  flush(): void {
    this.#take(this.#open.assembler.flush());
  }

  state(): VideoState {
    const { format, size, interval } = this.#open.video;
    const { complete, incomplete } = this.statistics;
    const last = this.#times.at(-1) ?? 0;
    return {
      format: format.encoding,
      width: size.width,
      height: size.height,
      agreedRate: Math.round(1e9 / interval) / 100,
      recentRate: rate(this.#times.length, last - (this.#times[0] ?? 0)),
      meanRate: rate(this.#count, last - (this.#first ?? 0)),
      complete,
      incomplete,
      picture: this.#picture,
    };
  }

  #take(pictures: readonly VideoFrame[]): void {
    for (const picture of pictures) {
      const { timestamp } = picture;
      this.#picture = picture;
      this.#first ??= timestamp;
      this.#count++;
      this.#times = [...this.#times.filter((time) => time >= timestamp - recent), timestamp];
      this.#taken(picture);
    }
  }
}

function rate(pictures: number, microseconds: number): number {
  return microseconds > 0 ? (1e6 * (pictures - 1)) / microseconds : 0;
}
