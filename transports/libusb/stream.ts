import {
  IsochResults,
  type IsochError,
  type ResultSource,
  type StreamPlan,
  type StreamSink,
  type TransferOutcome,
} from "../../src/index.js";
import { ringOverflow } from "../../src/stream-options.js";
import type { NativeOutcome, NativeStream, NativeStreamResult } from "./addon.js";
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
  #isStopped = false;
  #ended: { readonly error: IsochError | undefined } | undefined;

  constructor(native: NativeStream, context: StreamContext) {
    this.#native = native;
    this.#context = context;
    this.#requested = new Uint32Array(context.plan.frames).fill(context.plan.frameLength);
    context.activities.add(this);
  }

  get ended(): { readonly error: IsochError | undefined } | undefined {
    return (this.#ended ??= this.#end());
  }

  take(): IsochResults | undefined {
    const taken = this.#native.take();
    if (taken === undefined) return undefined;
    const { actual, statuses = new Uint8Array(actual.length), firstFrame, lost, timestamp } = taken;
    return new IsochResults({
      firstFrame,
      lost,
      requested: this.#requested.subarray(0, actual.length),
      actual,
      statuses,
      nativeStatuses: taken.statuses && translateStatuses(statuses),
      data: new Uint8Array(taken.data),
      compacted: true,
      timestamp,
      error: outcomeOf(taken),
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

function outcomeOf({ cancelled, gone }: NativeStreamResult): TransferOutcome | undefined {
  if (cancelled) return "cancelled";
  return gone ? "device-not-responding" : undefined;
}
