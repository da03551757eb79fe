import { asapScheduler, map, type SchedulerLike } from "rxjs";
import type { IsochTransport, StreamSink, TransportDevice, TransportEndpoint } from "../../src/index.js";
import { Pump } from "../../src/pump.js";
import { createTimeline } from "../../src/timeline.js";

/**
 * Stands in front of a transport, and has streams of its own, as one with an event thread has them:
 * what it tells the consumer comes later, and one call stands for many results.
 */
export function ownStreams(
  inner: IsochTransport,
  frameDuration: number,
  scheduler: SchedulerLike = asapScheduler,
): IsochTransport {
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    devices: () => inner.devices(),
    open: (selector) => inner.open(selector).pipe(map((device) => streamingDevice(device, frameDuration, scheduler))),
  };
}

function streamingDevice(device: TransportDevice, frameDuration: number, scheduler: SchedulerLike): TransportDevice {
  return {
    info: device.info,
    configuration: device.configuration,
    gone: device.gone,
    controlTransfer: (setup, data) => device.controlTransfer(setup, data),
    claimInterface: (number) => device.claimInterface(number),
    releaseInterface: (number) => device.releaseInterface(number),
    selectAlternate: (number, alternate) => device.selectAlternate(number, alternate),
    clearHalt: (address) => device.clearHalt(address),
    reset: () => device.reset(),
    openEndpoint: (address) => streamingEndpoint(device.openEndpoint(address), frameDuration, scheduler),
    close: () => device.close(),
  };
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
