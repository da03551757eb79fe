import { asapScheduler, type SchedulerLike } from "rxjs";
import type { IsochTransport, StreamSink, TransportEndpoint } from "../../src/index.js";
import { Pump } from "../../src/pump.js";
import { createTimeline } from "../../src/timeline.js";
import { alteredTransport } from "./altered-transport.js";

/**
 * Stands in front of a transport, and has streams of its own, as one with an event thread has them:
 * what it tells the consumer comes later, and one call stands for many results.
 */
export function ownStreams(
  inner: IsochTransport,
  frameDuration: number,
  scheduler: SchedulerLike = asapScheduler,
): IsochTransport {
  return alteredTransport(inner, (device) => ({
    openEndpoint: (address) => streamingEndpoint(device.openEndpoint(address), frameDuration, scheduler),
  }));
}

function streamingEndpoint(
  endpoint: TransportEndpoint,
  frameDuration: number,
  scheduler: SchedulerLike,
): TransportEndpoint {
  return {
    submit: (submission) => {
      endpoint.submit(submission);
    },
    cancel: (submission) => {
      endpoint.cancel(submission);
    },
    now: () => endpoint.now(),
    ...(endpoint.frameNumber && { frameNumber: endpoint.frameNumber.bind(endpoint) }),
    ...(endpoint.allocateDma && { allocateDma: endpoint.allocateDma.bind(endpoint) }),
    ...(endpoint.wait && { wait: endpoint.wait.bind(endpoint) }),
    stream: (plan, sink) => {
      const mailbox = new Mailbox(sink, scheduler);
      const pump = new Pump(endpoint, plan, createTimeline(frameDuration), mailbox);
      return {
        take: () => pump.take(),
        get ended() {
          return pump.ended;
        },
        stop: () => {
          mailbox.isStopped = true;
          pump.stop();
        },
      };
    },
  };
}

/** Brings calls from one thread to another: later, and many as one. */
class Mailbox implements StreamSink {
  isStopped = false;
  readonly #sink: StreamSink;
  readonly #scheduler: SchedulerLike;
  #isPosted = false;

  constructor(sink: StreamSink, scheduler: SchedulerLike) {
    this.#sink = sink;
    this.#scheduler = scheduler;
  }

  ready(): void {
    if (this.#isPosted) return;
    this.#isPosted = true;
    this.#scheduler.schedule(() => {
      this.#isPosted = false;
      if (!this.isStopped) this.#sink.ready();
    });
  }

  drained(): void {
    this.#scheduler.schedule(() => {
      this.#sink.drained();
    });
  }
}
