import type { ResultSource, StreamPlan, StreamSink, TransportEndpoint } from "../../../src/index.js";
import { Pump } from "../../../src/pump.js";
import { createTimeline } from "../../../src/timeline.js";

/** How many more results a consumer has room for, so that a replay can wait for it. */
export class ConsumerRoom {
  readonly #changed: () => void;
  #left = Infinity;

  /** @param changed there is room again */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isThere(): boolean {
    return this.#left > 0;
  }

  /** A result goes into the ring. */
  use(): void {
    this.#left--;
  }

  /**
   * A stream in whose ring there is as much room as in this.
   *
   * @param frameDuration microseconds
   */
  stream(endpoint: TransportEndpoint, plan: StreamPlan, sink: StreamSink, frameDuration: number): ResultSource {
    const pump = new Pump(endpoint, plan, createTimeline(frameDuration), sink);
    this.#left = plan.ring;
    return {
      take: () => {
        const results = pump.take();
        if (results !== undefined) {
          this.#left++;
          this.#changed();
        }
        return results;
      },
      get ended() {
        return pump.ended;
      },
      stop: () => {
        this.#left = Infinity;
        pump.stop();
      },
    };
  }
}
