import { EMPTY, NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { IsochTransfer, PipeSession, TransportError, type FrameResult, type IsochRequest } from "../../src/index.js";
import { allCapabilities, FakeEndpoint, pipeEndpoint } from "../support/fake-endpoint.js";
import { failure, thrown } from "../support/plain-error.js";

function issued(
  request: IsochRequest = { lengths: [8, 8] },
  direction: "in" | "out" = "in",
  port = new FakeEndpoint(),
) {
  const session = new PipeSession({
    endpoint: pipeEndpoint(direction),
    port,
    capabilities: allCapabilities(),
    gone: NEVER,
    release: EMPTY,
  });
  const transfer = session.issue(request);
  const events: string[] = [];
  transfer.completion.subscribe({
    next: (results) => events.push(`completion of ${results.length}`),
    complete: () => events.push("completion complete"),
  });
  transfer.released.subscribe({ complete: () => events.push("released") });
  return { transfer, port, events, session };
}

const dma = { bytes: new Uint8Array(16), address: 1, free: () => undefined };

describe("IsochTransfer, pending", () => {
  it("is not complete, has moved nothing, and has no results", () => {
    const { transfer } = issued();
    expect(transfer.isComplete).toBe(false);
    expect(transfer.isClosed).toBe(false);
    expect(transfer.status()).toStrictEqual({ bytesTransferred: 0, error: "ok" });
    expect(thrown(() => transfer.results())).toStrictEqual(
      failure("TransferStateError", "transfer-pending", "wait for its completion"),
    );
  });

  it("is taken to have begun before submit returned", () => {
    const port = new FakeEndpoint();
    port.hidesClock = true;
    port.onSubmit = () => {
      port.time += 700;
    };
    const { session } = issued({ lengths: 8, frames: 4 }, "in", port);
    port.onSubmit = () => undefined;
    port.time = 5000;
    port.complete();
    const second = session.issue({ lengths: 8, frames: 4 });
    port.time = 10_000;
    port.complete();
    // Had the time been read after, the first would have ended at 4700.
    expect(second.results()).toMatchObject({ firstFrame: 5, lost: 1 });
  });

  it("is not complete because frames of it are", () => {
    const { transfer, port } = issued();
    port.inFlight[0]?.actual.set([8]);
    expect(transfer.status().bytesTransferred).toBe(0);
    expect(transfer.isComplete).toBe(false);
  });
});

describe("IsochTransfer, complete", () => {
  it("has its results, again and again", () => {
    const { transfer, port } = issued();
    port.complete({ actual: [8, 3] });
    expect(transfer.isComplete).toBe(true);
    expect(transfer.status()).toStrictEqual({ bytesTransferred: 11, error: "ok" });
    expect(transfer.results()).toMatchObject({ length: 2, bytesTransferred: 11 });
    expect(transfer.results()).toBe(transfer.results());
  });

  it("delivers its completion, and then lets go of the buffer", () => {
    const { transfer, port, events } = issued();
    port.complete();
    expect(events).toStrictEqual(["completion of 2", "completion complete", "released"]);
    const late: number[] = [];
    transfer.completion.subscribe(({ length }) => late.push(length));
    expect(late).toStrictEqual([2]);
  });

  it("says why it was refused after all, and the pipe goes on", () => {
    const refused = new TransportError("transport-failed", "a packet of the batch failed");
    const { transfer, port, events, session } = issued({ lengths: 8, frames: 4 });
    expect(transfer.rejection).toBeUndefined();
    port.complete({ rejected: refused });
    expect(transfer.rejection).toBe(refused);
    expect(transfer.status()).toStrictEqual({ bytesTransferred: 0, error: "failed" });
    expect(transfer.results()).toMatchObject({ length: 4, served: 0, lost: 0, error: "failed" });
    expect(events).toStrictEqual(["completion of 4", "completion complete", "released"]);
    expect(session.failure).toBeUndefined();
    const next = session.issue({ lengths: 8, frames: 4 });
    port.complete({ firstFrame: 9 });
    expect(next.rejection).toBeUndefined();
    expect(next.results().error).toBe("ok");
  });

  it("carries data although it went wrong", () => {
    const { transfer, port } = issued();
    port.complete({ statuses: ["ok", "crc"], actual: [8, 2] });
    expect(transfer.status()).toStrictEqual({ bytesTransferred: 10, error: "isoch" });
  });

  it("emits its frames to each subscriber, early or late, and completes", () => {
    const { transfer, port } = issued();
    const seen: unknown[] = [];
    const subscribe = (name: string) =>
      transfer.subscribe({
        next: ({ frame, status }: FrameResult) => seen.push([name, frame, status]),
        complete: () => seen.push([name, "complete"]),
      });
    subscribe("early");
    expect(seen).toStrictEqual([]);
    port.complete({ firstFrame: 50, served: 1 });
    subscribe("late");
    expect(seen).toStrictEqual(
      ["early", "late"].flatMap((name) => [
        [name, 50, "ok"],
        [name, 51, "not-complete"],
        [name, "complete"],
      ]),
    );
  });

  it("stops emitting frames at an unsubscribe, and cancels nothing by it", () => {
    const { transfer, port } = issued({ lengths: [1, 1, 1] });
    const seen: number[] = [];
    const subscription = transfer.subscribe(({ frame }) => {
      seen.push(frame);
      subscription.unsubscribe();
    });
    transfer.subscribe().unsubscribe();
    expect(port.cancelled).toStrictEqual([]);
    port.complete();
    expect(seen).toStrictEqual([0]);
  });

  it("tells the fate of what it was issued with: buffer, order, timestamp", () => {
    const buffer = new Uint8Array(16);
    const { transfer, port } = issued({ lengths: [8, 8], buffer });
    port.time = 1234;
    expect(port.inFlight[0]?.buffer).toBe(buffer);
    port.complete();
    expect(transfer.results().data.buffer).toBe(buffer.buffer);
    expect(transfer.results().timestamp).toBe(1234);
  });
});

describe("IsochTransfer.abort", () => {
  it("cancels, and keeps what had arrived", () => {
    const { transfer, port } = issued();
    transfer.abort();
    expect(port.cancelled).toHaveLength(1);
    expect(transfer.isComplete).toBe(false);
    port.complete({ served: 1, cancelled: true });
    expect(transfer.status()).toStrictEqual({ bytesTransferred: 8, error: "cancelled" });
    expect([...transfer.results()].map(({ status, actual }) => [status, actual])).toStrictEqual([
      ["ok", 8],
      ["not-complete", 0],
    ]);
    expect(transfer.isClosed).toBe(false);
  });

  it("does nothing to a transfer that is complete, or closed", () => {
    const { transfer, port } = issued();
    port.complete();
    transfer.abort();
    expect(port.cancelled).toStrictEqual([]);
    expect(transfer.status().error).toBe("ok");
    transfer.close();
    transfer.abort();
    expect(port.cancelled).toStrictEqual([]);
  });
});

describe("IsochTransfer.close", () => {
  it("ends the handle: no results, no status, and no second close", () => {
    const { transfer, port } = issued();
    port.complete();
    const results = transfer.results();
    transfer.close();
    expect(transfer.isClosed).toBe(true);
    expect(transfer.isComplete).toBe(false);
    for (const [purpose, ask] of Object.entries({
      results: () => transfer.results(),
      status: () => transfer.status(),
      close: () => {
        transfer.close();
      },
      wait: () => {
        transfer.wait();
      },
    })) {
      expect(thrown(ask)).toStrictEqual(
        failure("TransferStateError", "transfer-closed", `${purpose}: the transfer was closed`),
      );
    }
    expect(results.frame(1).actual).toBe(8);
  });

  it("close-in-flight: aborts, emits nothing, and lets go of the buffer with the completion", () => {
    const { transfer, port, events } = issued();
    const frames: FrameResult[] = [];
    transfer.subscribe((frame) => frames.push(frame));
    transfer.close();
    expect(port.cancelled).toHaveLength(1);
    expect(events).toStrictEqual(["completion complete"]);
    port.complete({ served: 1, cancelled: true });
    expect(events).toStrictEqual(["completion complete", "released"]);
    expect(frames).toStrictEqual([]);
    expect(transfer.isComplete).toBe(false);
  });

  it("close-after-cancel: cancels no second time, and emits nothing", () => {
    const { transfer, port, events } = issued();
    transfer.abort();
    transfer.close();
    port.complete({ served: 0, cancelled: true });
    expect(events).toStrictEqual(["completion complete", "released"]);
  });

  it("close within its own completion is the end of it", () => {
    const { transfer, port } = issued();
    let delivered = 0;
    transfer.completion.subscribe(() => {
      delivered++;
      transfer.close();
    });
    port.complete();
    expect(delivered).toBe(1);
    expect(transfer.isClosed).toBe(true);
    expect(port.cancelled).toStrictEqual([]);
  });
});

describe("IsochTransfer.compact", () => {
  const fill = (port: FakeEndpoint) => port.inFlight[0]?.buffer.set([1, 0, 0, 0, 0, 0, 0, 0, 2, 3]);

  it("moves the data within the buffer, if asked before the completion", () => {
    for (const early of [true, false]) {
      const buffer = new Uint8Array(16);
      const { transfer, port } = issued({ lengths: [8, 8], buffer, compact: early });
      if (!early) expect(transfer.compact()).toBe(transfer);
      fill(port);
      port.complete({ actual: [1, 2] });
      expect([...buffer.subarray(0, 3)]).toStrictEqual([1, 2, 3]);
      expect(transfer.results()).toMatchObject({ compacted: true, data: Uint8Array.of(1, 2, 3) });
      expect([...transfer.results().frame(1).data]).toStrictEqual([2, 3]);
    }
  });

  it("copies the data out of the buffer, if asked after the completion", () => {
    const buffer = new Uint8Array(16);
    const { transfer, port } = issued({ lengths: [8, 8], buffer });
    fill(port);
    port.complete({ actual: [1, 2] });
    expect(transfer.results().compacted).toBe(false);
    void transfer.compact().compact();
    expect([...transfer.results().data]).toStrictEqual([1, 2, 3]);
    expect([...buffer.subarray(0, 3)]).toStrictEqual([1, 0, 0]);
  });

  it("is refused on OUT and for a DMA buffer, and nothing is lost by that", () => {
    const out = issued({ lengths: [8, 8], buffer: new Uint8Array(16) }, "out");
    expect(thrown(() => out.transfer.compact())).toStrictEqual(failure("InvalidRequestError", "compact-out"));
    const direct = issued({ lengths: [8, 8], dma });
    expect(thrown(() => direct.transfer.compact())).toStrictEqual(failure("InvalidRequestError", "compact-with-dma"));
    for (const { transfer, port } of [out, direct]) {
      port.complete();
      expect(transfer.results().bytesTransferred).toBe(16);
    }
  });
});

describe("IsochTransfer.wait", () => {
  it("says what to do where the transport cannot block", () => {
    expect(
      thrown(() => {
        issued().transfer.wait();
      }),
    ).toStrictEqual(failure("UnsupportedError", "unsupported", "issue asynchronously"));
  });

  it("has the transport wait for its own submission, and for none that is complete", () => {
    const port = new FakeEndpoint();
    const waited: unknown[] = [];
    const { transfer } = issued(
      { lengths: [1] },
      "in",
      Object.assign(port, {
        wait: (submission: unknown) => {
          waited.push(submission);
          port.complete();
        },
      }),
    );
    transfer.wait();
    expect(waited).toStrictEqual([port.submitted[0]]);
    expect(transfer.isComplete).toBe(true);
    transfer.wait();
    expect(waited).toHaveLength(1);
  });
});

describe("IsochTransfer, issuing", () => {
  it("throws what the transport throws, and then there is no transfer", () => {
    const port = new FakeEndpoint();
    port.refusals.set(0, new RangeError("EIO"));
    expect(() => issued({ lengths: [1] }, "in", port)).toThrow("EIO");
    expect(port.inFlight).toStrictEqual([]);
  });

  it("is an Observable", () => {
    expect(issued().transfer).toBeInstanceOf(IsochTransfer);
    expect(typeof issued().transfer.pipe).toBe("function");
  });
});
