import { concatMap, lastValueFrom, toArray, type Observable } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { close, issue, packetize } from "../../../operators/index.js";
import { fromReadableStream } from "../../../operators/streams/index.js";
import { isochPipe } from "../../../src/index.js";
import { counterDevice, unpacedClock, VirtualBus } from "../../../transports/virtual/index.js";
import { eventually } from "../../support/eventually.js";
import { failure, plain } from "../../support/plain-error.js";

/** A stream of numbers that counts how many were asked for. */
function counted(end = Infinity) {
  const events: string[] = [];
  let next = 0;
  const stream = new ReadableStream<number>(
    {
      pull: (controller) => {
        events.push(`pull ${next}`);
        if (next < end) controller.enqueue(next++);
        else controller.close();
      },
      cancel: () => {
        events.push("cancel");
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, events };
}

const values = <T>(source: Observable<AsyncIterable<T>>) =>
  lastValueFrom(
    source.pipe(
      concatMap((chunks) => chunks),
      toArray(),
    ),
  );

describe("fromReadableStream", () => {
  it("reads to the end, and completes", async () => {
    const { stream } = counted(3);
    expect(await values(fromReadableStream(stream))).toStrictEqual([0, 1, 2]);
  });

  it("asks for a chunk when it is asked for one", async () => {
    const { stream, events } = counted();
    let iterator: AsyncIterator<number> | undefined;
    const subscription = fromReadableStream(stream).subscribe((chunks) => {
      iterator = chunks[Symbol.asyncIterator]();
    });
    await new Promise(setImmediate);
    expect(events).toStrictEqual([]);
    await iterator?.next();
    await new Promise(setImmediate);
    expect(events).toStrictEqual(["pull 0"]);
    subscription.unsubscribe();
    expect(events).toStrictEqual(["pull 0", "cancel"]);
    expect(await iterator?.next()).toStrictEqual({ done: true, value: undefined });
  });

  it("cancels the stream when the loop is left", async () => {
    const { stream, events } = counted();
    for await (const chunk of await lastChunks(fromReadableStream(stream))) if (chunk === 1) break;
    expect(events.at(-1)).toBe("cancel");
  });

  it("an unsubscribe ends a read that waits", async () => {
    const cancel = vi.fn();
    const silent = new ReadableStream<number>({ cancel });
    let read: Promise<unknown> | undefined;
    fromReadableStream(silent)
      .subscribe((chunks) => {
        read = chunks[Symbol.asyncIterator]().next();
      })
      .unsubscribe();
    expect(await read).toStrictEqual({ done: true, value: undefined });
    expect(cancel).toHaveBeenCalledOnce();
  });

  it("errors as the stream does", async () => {
    const broken = new ReadableStream<number>({
      start: (controller) => {
        controller.error("reason");
      },
    });
    await expect(values(fromReadableStream(broken))).rejects.toBe("reason");
  });

  it("refuses a stream that has a reader", async () => {
    const { stream } = counted();
    stream.getReader();
    expect(plain(await values(fromReadableStream(stream)).catch((error: unknown) => error))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "reader"),
    );
  });

  it("feeds a pipe at the pace of the bus: what is pulled is what is sent, and what waits", async () => {
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [counterDevice()] });
    let pulled = 0;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (pulled++ < 20) controller.enqueue(new Uint8Array(64));
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const results = await lastValueFrom(
      fromReadableStream(stream).pipe(
        packetize({ frameLength: 64, frames: 2 }),
        issue(isochPipe(bus, { endpoint: 0x01, alternate: 2 }), { queue: 2 }),
        close(),
        toArray(),
      ),
    );
    expect(results.reduce((sum, { bytesTransferred }) => sum + bytesTransferred, 0)).toBe(20 * 64);
  });

  it("is cancelled when a pipe that waits for its bytes is unsubscribed from", async () => {
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [counterDevice()] });
    const cancel = vi.fn();
    const pull = vi.fn(() => new Promise<void>(() => undefined));
    const silent = new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 });
    const subscription = fromReadableStream(silent)
      .pipe(packetize({ frameLength: 64 }), issue(isochPipe(bus, { endpoint: 0x01, alternate: 2 })), close())
      .subscribe();
    await eventually(() => {
      expect(pull).toHaveBeenCalledOnce();
    });
    subscription.unsubscribe();
    expect(cancel).toHaveBeenCalledOnce();
  });
});

async function lastChunks<T>(source: Observable<AsyncIterable<T>>): Promise<AsyncIterable<T>> {
  return new Promise((resolve) => source.subscribe(resolve));
}
