import type { Direction, IsochError, UsbDevice } from "../../index.js";
import type { Throughput } from "../../../operators/index.js";
import type { CounterStatistics } from "../../../transports/virtual/index.js";
import type { CounterTraits } from "../target.js";
import type { VideoState } from "../video/video-track.js";
import type { CounterCheck } from "./counters.js";
import type { Span, Totals, Troubles } from "./tally.js";

/** The endpoint that is watched, and how. */
export interface WatchedEndpoint {
  readonly address: number;
  readonly direction: Direction;
  readonly interfaceNumber: number;
  readonly alternate: number;
  /** Bytes asked for in each frame. */
  readonly frameLength: number;
  /** Microseconds from one frame to the next. */
  readonly frameDuration: number;
  /** Frames in a transfer. */
  readonly frames: number;
  /** Transfers in flight. */
  readonly queue: number;
}

/** How a watch came to its end. */
export type WatchEnd =
  { readonly reason: "finished" | "interrupted" } | { readonly reason: "failed"; readonly error: IsochError };

/** All there is to show. */
export interface WatchState {
  readonly device: UsbDevice;
  readonly transport: string;
  readonly endpoint: WatchedEndpoint;
  /** Milliseconds that the watch is to last. */
  readonly duration: number;
  /** The last windows, in order. */
  readonly windows: readonly Throughput[];
  readonly totals: Totals;
  readonly span: Span | undefined;
  readonly troubles: Troubles;
  /** IN from a counter device only. */
  readonly counter: (CounterCheck & CounterTraits) | undefined;
  /** OUT to a counter device only. */
  readonly statistics: CounterStatistics | undefined;
  /** Of a camera only. */
  readonly video: VideoState | undefined;
  /** Set in the last state. */
  readonly end: WatchEnd | undefined;
}

/** What becomes of the state. */
export type Step = (state: WatchState) => WatchState;
