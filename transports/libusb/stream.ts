import {
  IsochResults,
  type IsochError,
  type ResultSource,
  type StreamPlan,
  type StreamSink,
  type TransferOutcome,
} from "../../src/index.js";
import { ringOverflow } from "../../src/stream-options.js";
import { streamHeader, type NativeOutcome, type NativeStream } from "./addon.js";
import type { Activity } from "./endpoint.js";
import { translateStatuses } from "./statuses.js";

/** What a stream needs of the endpoint it is on. */
interface StreamContext {
  readonly plan: StreamPlan;
  readonly sink: StreamSink;
  readonly activities: Set<Activity>;
  readonly toError: (outcome: NativeOutcome) => IsochError;
}

/** A stream that the addon runs. */
export class LibusbStream implements ResultSource, Activity {
  readonly #native: NativeStream;
  readonly #context: StreamContext;
  /** Of every result. */
  readonly #requested: Uint32Array;
  readonly #header = new Float64Array(streamHeader.count);
  /** Of the next result. */
  #actual: Uint32Array;
  #statuses: Uint8Array;
  #isStopped = false;
  /** Nothing is to be had before the addon rings again: that need not be asked. */
  #isDry = false;
  #ended: { readonly error: IsochError | undefined } | undefined;

  constructor(native: NativeStream, context: StreamContext) {
    this.#native = native;
    this.#context = context;
    this.#requested = new Uint32Array(context.plan.frames).fill(context.plan.frameLength);
    this.#actual = new Uint32Array(context.plan.frames);
    this.#statuses = new Uint8Array(context.plan.frames);
    context.activities.add(this);
  }

  get ended(): { readonly error: IsochError | undefined } | undefined {
    return (this.#ended ??= this.#isDry ? undefined : this.#end());
  }

  take(): IsochResults | undefined {
    if (this.#isDry) return undefined;
    const header = this.#header;
    const data = this.#native.take(this.#actual, this.#statuses, header);
    if (data === undefined) return undefined;
    this.#isDry = header[streamHeader.more] === 0;
    const length = header[streamHeader.length] ?? 0;
    const isFlawed = header[streamHeader.flawed] === 1;
    const { frames } = this.#context.plan;
    // A loss at the end has none, all others have all.
    const actual = length === frames ? this.#actual : new Uint32Array(0);
    const statuses = length === frames ? this.#statuses : new Uint8Array(0);
    this.#actual = new Uint32Array(frames);
    this.#statuses = new Uint8Array(frames);
    return new IsochResults({
      firstFrame: header[streamHeader.firstFrame] ?? 0,
      lost: header[streamHeader.lost],
      requested: length === frames ? this.#requested : new Uint32Array(0),
      actual,
      statuses,
      nativeStatuses: isFlawed ? translateStatuses(statuses) : undefined,
      data: new Uint8Array(data),
      compacted: true,
      timestamp: header[streamHeader.timestamp] ?? 0,
      error: outcomeOf(header),
    });
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#native.stop();
    this.look();
  }

  look(): void {
    const { activities, sink } = this.#context;
    this.#isDry = false;
    if (!this.#isStopped) sink.ready();
    else if (this.#native.drained && activities.delete(this)) sink.drained();
  }

  #end(): { readonly error: IsochError | undefined } | undefined {
    const ended = this.#native.ended;
    if (ended === undefined) return undefined;
    const { plan, toError } = this.#context;
    if (ended.overflown) return { error: ringOverflow(plan.ring) };
    return { error: ended.libusb === 0 ? undefined : toError(ended) };
  }
}

function outcomeOf(header: Float64Array): TransferOutcome | undefined {
  if (header[streamHeader.cancelled] === 1) return "cancelled";
  return header[streamHeader.gone] === 1 ? "device-not-responding" : undefined;
}
