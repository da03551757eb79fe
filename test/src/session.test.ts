import { NEVER, Observable, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  DeviceError,
  type IsochResults,
  PipeSession,
  type ResultSource,
  type StreamPlan,
  type StreamSink,
  type TransportCapabilities,
  type TransportEndpoint,
} from "../../src/index.js";
import { allCapabilities, FakeEndpoint, pipeEndpoint } from "../support/fake-endpoint.js";
import { failure, plain, thrown } from "../support/plain-error.js";

const gone = new DeviceError("device-gone", "plug it in again");
const plan: StreamPlan = {
  frameLength: 64,
  frames: 4,
  queue: 2,
  ring: 3,
  batch: 1,
  overflow: "drop-oldest",
  start: "asap",
};

function laboratory(
  port: TransportEndpoint = new FakeEndpoint(),
  { direction = "in", ...can }: Partial<TransportCapabilities> & { direction?: "in" | "out" } = {},
  unplugged: Observable<DeviceError> = NEVER,
) {
  const events: string[] = [];
  const session = new PipeSession({
    endpoint: pipeEndpoint(direction),
    port,
    capabilities: allCapabilities(can),
    gone: unplugged,
    release: new Observable<never>((subscriber) => {
      events.push("released");
      subscriber.complete();
    }),
  });
  session.closed.subscribe({ complete: () => events.push("closed") });
  const sink: StreamSink = {
    ready: () => {
      events.push("ready");
    },
    drained: () => {
      events.push("drained");
    },
  };
  return { session, sink, events };
}

describe("PipeSession.issue", () => {
  it("submits a checked request at once", () => {
    const port = new FakeEndpoint();
    const { session } = laboratory(port);
    const transfer = session.issue({ lengths: [10, 20], start: 7 });
    expect(port.inFlight).toHaveLength(1);
    expect(port.inFlight[0]).toMatchObject({ start: 7, lengths: Uint32Array.of(10, 20) });
    expect(transfer).toMatchObject({ frames: 2, isComplete: false, isClosed: false });
  });

  it("submits nothing for a bad request, and goes on", () => {
    const port = new FakeEndpoint();
    const { session } = laboratory(port);
    expect(thrown(() => session.issue({ lengths: [] }))).toStrictEqual(failure("InvalidRequestError", "no-frames"));
    expect(port.submitted).toStrictEqual([]);
    void session.issue({ lengths: [1] });
    expect(port.submitted).toHaveLength(1);
  });

  it("passes on what the transport throws, and goes on", () => {
    const port = new FakeEndpoint();
    port.refusals.set(0, gone);
    const { session, events } = laboratory(port);
    expect(thrown(() => session.issue({ lengths: [1] }))).toStrictEqual(failure("DeviceError", "device-gone"));
    void session.issue({ lengths: [1] });
    port.complete();
    void session.close();
    expect(events).toStrictEqual(["released", "closed"]);
  });

  it("puts transfers on one timeline, and those that only kept the bus busy count as missed", () => {
    const port = new FakeEndpoint();
    const { session } = laboratory(port, { direction: "out" });
    const one = session.issue({ lengths: 8, frames: 4, buffer: new Uint8Array(32) });
    void session.fill(new Uint32Array(4), new Uint8Array(0));
    const two = session.issue({ lengths: 8, frames: 4, buffer: new Uint8Array(32) });
    for (let i = 0; i < 3; i++) port.complete();
    expect(one.results()).toMatchObject({ firstFrame: 0, lost: 0 });
    expect(two.results()).toMatchObject({ firstFrame: 8, lost: 4 });
  });

  it("refuses requests after the device was gone, with what went wrong", () => {
    const port = new FakeEndpoint();
    const { session } = laboratory(port);
    void session.issue({ lengths: [1] });
    expect(session.failure).toBeUndefined();
    port.complete({ served: 0, error: gone });
    expect(session.failure).toBe(gone);
    expect(thrown(() => session.issue({ lengths: [1] }))).toStrictEqual(failure("DeviceError", "device-gone"));
    expect(port.submitted).toHaveLength(1);
  });

  it("refuses requests once it is closing", () => {
    const port = new FakeEndpoint();
    const { session, sink } = laboratory(port);
    void session.issue({ lengths: [1] });
    void session.close();
    const closed = failure("TransferStateError", "pipe-closed", "open it again");
    expect(thrown(() => session.issue({ lengths: [1] }))).toStrictEqual(closed);
    expect(thrown(() => session.stream(plan, sink))).toStrictEqual(closed);
    expect(thrown(() => session.fill(new Uint32Array(1), new Uint8Array(0)))).toStrictEqual(closed);
    port.drain();
    expect(port.submitted).toHaveLength(1);
  });
});

describe("PipeSession.failure", () => {
  it("is there when the transfer that brought it is released", () => {
    const port = new FakeEndpoint();
    const { session } = laboratory(port);
    const seen: unknown[] = [];
    session.issue({ lengths: [1] }).released.subscribe({ complete: () => seen.push(session.failure) });
    port.complete({ served: 0, error: gone });
    expect(seen).toStrictEqual([gone]);
  });
});

describe("PipeSession.failed", () => {
  function observed(session: PipeSession) {
    const events: unknown[] = [];
    session.failed.subscribe({ next: (error) => events.push(error), complete: () => events.push("complete") });
    return events;
  }

  it("tells of an unplug in an idle session, once, also those who ask later", () => {
    const unplugged = new Subject<DeviceError>();
    const { session } = laboratory(new FakeEndpoint(), {}, unplugged);
    const early = observed(session);
    expect(early).toStrictEqual([]);
    unplugged.next(gone);
    unplugged.complete();
    expect(session.failure).toBe(gone);
    expect([early, observed(session)]).toStrictEqual([
      [gone, "complete"],
      [gone, "complete"],
    ]);
    expect(thrown(() => session.issue({ lengths: [1] }))).toStrictEqual(failure("DeviceError", "device-gone"));
  });

  it("tells of the first of two, whichever way it came", () => {
    const port = new FakeEndpoint();
    const unplugged = new Subject<DeviceError>();
    const { session } = laboratory(port, {}, unplugged);
    void session.issue({ lengths: [1] });
    const events = observed(session);
    port.complete({ served: 0, error: gone });
    unplugged.next(new DeviceError("device-gone", "a later one"));
    expect(events).toStrictEqual([gone, "complete"]);
    expect(session.failure).toBe(gone);
  });

  it("tells before the transfer that brought it is released, and after it was delivered", () => {
    const port = new FakeEndpoint();
    const { session } = laboratory(port);
    const log: string[] = [];
    const transfer = session.issue({ lengths: [1] });
    transfer.completion.subscribe(() => log.push("delivered"));
    transfer.released.subscribe({ complete: () => log.push("released") });
    session.failed.subscribe(() => log.push("failed"));
    port.complete({ served: 0, error: gone });
    expect(log).toStrictEqual(["delivered", "failed", "released"]);
  });

  it("completes with the close, and hears of nothing after it", () => {
    const unplugged = new Subject<DeviceError>();
    const { session, events } = laboratory(new FakeEndpoint(), {}, unplugged);
    const failures = observed(session);
    void session.close();
    expect(failures).toStrictEqual(["complete"]);
    expect(unplugged.observed).toBe(false);
    expect(session.failure).toBeUndefined();
    expect(events).toStrictEqual(["released", "closed"]);
  });
});

describe("PipeSession.abort", () => {
  it("cancels every transfer that is in flight, and takes new ones after", () => {
    const port = new FakeEndpoint();
    const { session } = laboratory(port);
    const transfers = [1, 2, 3].map(() => session.issue({ lengths: [1] }));
    port.complete();
    session.abort();
    expect(port.cancelled).toStrictEqual([...port.inFlight]);
    port.drain();
    expect(transfers.map((transfer) => transfer.status().error)).toStrictEqual(["ok", "cancelled", "cancelled"]);
    void session.issue({ lengths: [1] });
    expect(port.inFlight).toHaveLength(1);
  });
});

describe("PipeSession.close", () => {
  it("releases at once where nothing is in flight, and once", () => {
    const { session, events } = laboratory();
    void session.close();
    void session.close();
    expect(events).toStrictEqual(["released", "closed"]);
    expect(session.isClosing).toBe(true);
  });

  it("cancels what is in flight, and releases after the last completion", () => {
    const port = new FakeEndpoint();
    const { session, events } = laboratory(port);
    const [one, two] = [session.issue({ lengths: [1] }), session.issue({ lengths: [1] })];
    void session.close();
    expect(port.cancelled).toHaveLength(2);
    port.complete();
    expect(events).toStrictEqual([]);
    port.complete({ served: 0, cancelled: true });
    expect(events).toStrictEqual(["released", "closed"]);
    expect([one.status().error, two.status().error]).toStrictEqual(["ok", "cancelled"]);
  });

  it("delivers the last completion before it releases", () => {
    const port = new FakeEndpoint();
    const { session, events } = laboratory(port);
    session.issue({ lengths: [1] }).completion.subscribe(() => events.push("delivered"));
    void session.close();
    port.drain();
    expect(events).toStrictEqual(["delivered", "released", "closed"]);
  });

  it("waits for transfers that were closed in flight", () => {
    const port = new FakeEndpoint();
    const { session, events } = laboratory(port);
    session.issue({ lengths: [1] }).close();
    void session.close();
    expect(events).toStrictEqual([]);
    port.drain();
    expect(events).toStrictEqual(["released", "closed"]);
  });

  it("stops a stream, lets it drain, and releases after that", () => {
    const port = new FakeEndpoint();
    const { session, sink, events } = laboratory(port);
    session.stream(plan, sink);
    void session.close();
    expect(port.cancelled).toHaveLength(2);
    expect(events).toStrictEqual([]);
    port.drain();
    expect(events).toStrictEqual(["drained", "released", "closed"]);
  });

  it("releases once where the stream had ended before", () => {
    const port = new FakeEndpoint();
    const { session, sink, events } = laboratory(port);
    session.stream(plan, sink);
    port.complete({ served: 0, error: gone });
    port.complete({ served: 0, error: gone });
    expect(events).toStrictEqual(["ready"]);
    void session.close();
    expect(events).toStrictEqual(["ready", "drained", "released", "closed"]);
  });

  it("has nothing to wait for where the stream could not begin", () => {
    const port = new FakeEndpoint();
    port.refusals.set(0, gone);
    const { session, sink, events } = laboratory(port);
    expect(thrown(() => session.stream(plan, sink))).toStrictEqual(failure("DeviceError", "device-gone"));
    void session.close();
    expect(events).toStrictEqual(["released", "closed"]);
  });

  it("tells of what goes wrong in releasing, however late it is asked", () => {
    const session = new PipeSession({
      endpoint: pipeEndpoint(),
      port: new FakeEndpoint(),
      capabilities: allCapabilities(),
      gone: NEVER,
      release: new Observable<never>((subscriber) => {
        subscriber.error(gone);
      }),
    });
    void session.close();
    const errors: unknown[] = [];
    session.closed.subscribe({ error: (error: unknown) => errors.push(plain(error)) });
    expect(errors).toStrictEqual([failure("DeviceError", "device-gone")]);
  });
});

describe("PipeSession, what a transport has or has not", () => {
  it("has the clock of the transport", () => {
    const port = Object.assign(new FakeEndpoint(), { time: 42, frameNumber: () => 17 });
    const { session } = laboratory(port);
    expect(session.now()).toBe(42);
    expect(session.frameNumber()).toBe(17);
  });

  it("says what to do where there is no bus clock, and where there are no DMA buffers", () => {
    const { session } = laboratory();
    expect(thrown(() => session.frameNumber())).toStrictEqual(
      failure("UnsupportedError", "unsupported", "count frames from the first result"),
    );
    expect(thrown(() => session.allocateDma(64))).toStrictEqual(
      failure("UnsupportedError", "unsupported", "leave out dma"),
    );
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 1e300, 2 ** 53, "64", null])(
    "allocates no DMA buffer of %s bytes",
    (size) => {
      const sizes: unknown[] = [];
      const allocateDma = (bytes: number) => {
        sizes.push(bytes);
        return { bytes: new Uint8Array(8), address: 1, free: () => undefined };
      };
      const { session } = laboratory(Object.assign(new FakeEndpoint(), { allocateDma }));
      expect(thrown(() => session.allocateDma(size as number))).toStrictEqual(
        failure("InvalidRequestError", "invalid-number", "size must be a whole number from 1"),
      );
      expect(sizes).toStrictEqual([]);
      session.allocateDma(8);
      expect(sizes).toStrictEqual([8]);
    },
  );
});

describe("PipeSession.allocateDma", () => {
  it("gives nothing once the session is closed, or cannot go on", () => {
    const sizes: number[] = [];
    const port = Object.assign(new FakeEndpoint(), {
      allocateDma: (size: number) => {
        sizes.push(size);
        return { bytes: new Uint8Array(size), address: 1, free: () => undefined };
      },
    });
    const unplug = new Subject<DeviceError>();
    const { session: failed } = laboratory(port, {}, unplug);
    unplug.next(gone);
    expect(thrown(() => failed.allocateDma(8))).toStrictEqual(failure("DeviceError", "device-gone"));

    const { session: closed } = laboratory(port);
    void closed.close();
    expect(thrown(() => closed.allocateDma(8))).toStrictEqual(
      failure("TransferStateError", "pipe-closed", "open it again"),
    );
    expect(sizes).toStrictEqual([]);
  });
});

/** A transport's own stream, moved by hand. */
class NativeStream implements ResultSource {
  readonly ring: IsochResults[] = [];
  ended: ResultSource["ended"];
  stops = 0;

  take(): IsochResults | undefined {
    return this.ring.shift();
  }

  stop(): void {
    this.stops++;
  }
}

describe("PipeSession.stream, where the transport runs it by itself", () => {
  function native() {
    const source = new NativeStream();
    let sink: StreamSink | undefined;
    let given: StreamPlan | undefined;
    const port = Object.assign(new FakeEndpoint(), {
      stream: (wanted: StreamPlan, listener: StreamSink) => {
        given = wanted;
        sink = listener;
        return source;
      },
    });
    return { ...laboratory(port), port, source, sinkOf: () => sink, planOf: () => given };
  }

  it("takes its source as it is, and submits nothing itself", () => {
    const { session, sink, port, source, planOf } = native();
    expect(session.stream(plan, sink)).toBe(source);
    expect(planOf()).toBe(plan);
    expect(port.submitted).toStrictEqual([]);
  });

  it("stops it once at the close, and releases when it is drained", () => {
    const { session, sink, source, events, sinkOf } = native();
    session.stream(plan, sink);
    sinkOf()?.ready();
    expect(events).toStrictEqual(["ready"]);
    void session.close();
    void session.close();
    expect(source.stops).toBe(1);
    expect(events).toStrictEqual(["ready"]);
    sinkOf()?.drained();
    expect(events).toStrictEqual(["ready", "drained", "released", "closed"]);
  });

  it("releases once where it is drained before stop returns", () => {
    const { session, sink, source, events, sinkOf } = native();
    source.stop = () => {
      sinkOf()?.drained();
    };
    session.stream(plan, sink);
    void session.close();
    expect(events).toStrictEqual(["drained", "released", "closed"]);
  });
});
