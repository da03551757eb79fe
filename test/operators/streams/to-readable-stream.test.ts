import { BehaviorSubject, EMPTY, from, NEVER, Observable, Subject, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { toReadableStream } from "../../../operators/streams/index.js";
import { isochPipe } from "../../../src/index.js";
import { counterDevice, unpacedClock, VirtualBus } from "../../../transports/virtual/index.js";
import { failure, plain, thrown } from "../../support/plain-error.js";

async function all<T>(stream: ReadableStream<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

describe("toReadableStream", () => {
  it("refuses options that cannot mean anything, at the call", () => {
    expect(thrown(() => toReadableStream(EMPTY, { queue: 0.5 }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "queue"),
    );
  });

  it("streams every value, and closes", async () => {
    expect(await all(toReadableStream(from([1, 2, 3])))).toStrictEqual([1, 2, 3]);
  });

  it("closes with an empty source", async () => {
    expect(await all(toReadableStream(EMPTY))).toStrictEqual([]);
  });

  it("subscribes with the first read, and not before", async () => {
    const source = new Subject<number>();
    const reader = toReadableStream(source).getReader();
    await Promise.resolve();
    expect(source.observed).toBe(false);
    const first = reader.read();
    await Promise.resolve();
    expect(source.observed).toBe(true);
    source.next(1);
    expect(await first).toStrictEqual({ done: false, value: 1 });
  });

  it("errors as the source does, once what waits has been read", async () => {
    const source = new Subject<number>();
    const reader = toReadableStream(source).getReader();
    const first = reader.read();
    await Promise.resolve();
    source.next(1);
    source.next(2);
    source.error(new Error("reason"));
    expect((await first).value).toBe(1);
    expect((await reader.read()).value).toBe(2);
    await expect(reader.read()).rejects.toThrow("reason");
    await expect(all(toReadableStream(throwError(() => new Error("at once"))))).rejects.toThrow("at once");
  });

  it("unsubscribes when it is cancelled, also from a source that says nothing", async () => {
    let isSubscribed = false;
    const source = new Observable<number>((subscriber) => {
      isSubscribed = true;
      subscriber.add(NEVER.subscribe());
      return () => {
        isSubscribed = false;
      };
    });
    const reader = toReadableStream(source).getReader();
    const first = reader.read();
    await Promise.resolve();
    expect(isSubscribed).toBe(true);
    await reader.cancel();
    expect(isSubscribed).toBe(false);
    expect((await first).done).toBe(true);
  });

  it("never subscribes where it is cancelled before the first read", async () => {
    const source = new Subject<number>();
    await toReadableStream(source).cancel();
    expect(source.observed).toBe(false);
  });

  it.each([
    ["drop-oldest", [0, 8, 9], [1, 2, 3, 4, 5, 6, 7]],
    ["drop-newest", [0, 1, 2], [3, 4, 5, 6, 7, 8, 9]],
  ] as const)("%s: what a slow reader misses is told", async (overflow, read, dropped) => {
    const lost: number[] = [];
    const source = new Subject<number>();
    const stream = toReadableStream(source, { queue: 2, overflow, lost: (value) => lost.push(value) });
    const reader = stream.getReader();
    const values = [reader.read()];
    await Promise.resolve();
    for (let i = 0; i < 10; i++) source.next(i);
    source.complete();
    values.push(reader.read(), reader.read());
    expect((await Promise.all(values)).map(({ value }) => value)).toStrictEqual(read);
    expect((await reader.read()).done).toBe(true);
    expect(lost).toStrictEqual(dropped);
  });

  it("error: a reader that is too slow gets what waits, and then the error", async () => {
    const source = new Subject<number>();
    const reader = toReadableStream(source, { queue: 1 }).getReader();
    const first = reader.read();
    await Promise.resolve();
    for (let i = 0; i < 5; i++) source.next(i);
    expect(source.observed).toBe(false);
    expect([(await first).value, (await reader.read()).value]).toStrictEqual([0, 1]);
    expect(plain(await reader.read().catch((error: unknown) => error))).toStrictEqual(
      failure("OverflowError", "overflow"),
    );
  });

  it("a stream that is cancelled leaves nothing paused behind", async () => {
    const pause = new BehaviorSubject(false);
    const source = new Subject<number>();
    const reader = toReadableStream(source, { queue: 2, pause }).getReader();
    const first = reader.read();
    await Promise.resolve();
    for (let i = 0; i < 3; i++) source.next(i);
    await first;
    expect(pause.value).toBe(true);
    await reader.cancel();
    expect(pause.value).toBe(false);
  });

  it("pauses a pipe: every frame of the bus is in the results or counted as lost in them", async () => {
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [counterDevice()] });
    const pause = new Subject<boolean>();
    const pipe = isochPipe(bus, { endpoint: 0x81 });
    const stream = toReadableStream(pipe.results({ frames: 8, ring: 4, pause }), { queue: 2, pause });
    let next: number | undefined;
    let lost = 0;
    let taken = 0;
    for await (const results of stream) {
      if (next !== undefined) expect(results.firstFrame).toBe(next + results.lost);
      next = results.firstFrame + results.length;
      lost += results.lost;
      // Slower than the bus by far.
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (++taken === 20) break;
    }
    expect(lost).toBeGreaterThan(0);
    // Left, the loop has cancelled the stream, and with it the pipe.
    await new Promise<void>((resolve) => pipe.closing.subscribe({ complete: resolve }));
    expect(pause.observed).toBe(false);
  });
});
