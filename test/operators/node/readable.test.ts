import { createReadStream } from "node:fs";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { concatMap, EMPTY, from, lastValueFrom, Subject, throwError, toArray, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { fromReadable, toReadable } from "../../../operators/node/index.js";
import { eventually } from "../../support/eventually.js";
import { failure, plain, thrown } from "../../support/plain-error.js";

const values = <T>(source: Observable<AsyncIterable<T>>) =>
  lastValueFrom(
    source.pipe(
      concatMap((chunks) => chunks),
      toArray(),
    ),
  );

const objects = { objectMode: true, highWaterMark: 1 } as const;

describe("toReadable", () => {
  it("refuses options that cannot mean anything, at the call", () => {
    expect(thrown(() => toReadable(EMPTY, { queue: 0 }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "queue"),
    );
  });

  it("reads as the source emits, empty pieces included, and ends", async () => {
    const source = from([Buffer.from("a"), Buffer.alloc(0), Buffer.from("b"), "c"]);
    expect((await toReadable(source).toArray()).join("")).toBe("abc");
    expect(await toReadable(EMPTY).toArray()).toStrictEqual([]);
  });

  it("subscribes when something is read, and not before", async () => {
    const source = new Subject<number>();
    const readable = toReadable(source, objects);
    await sleep(0);
    expect(source.observed).toBe(false);
    readable.read();
    expect(source.observed).toBe(true);
    readable.destroy();
    expect(source.observed).toBe(false);
  });

  it("is destroyed with the error of the source, once what waits was read", async () => {
    const source = new Subject<number>();
    const readable = toReadable(source, objects);
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const value of readable) read.push(value);
    })();
    await sleep(0);
    for (let i = 0; i < 5; i++) source.next(i);
    source.error(new RangeError("reason"));
    await expect(reading).rejects.toThrow("reason");
    expect(read).toStrictEqual([0, 1, 2, 3, 4]);
    const nothing = toReadable(throwError((): unknown => "a word"));
    await expect(nothing.toArray()).rejects.toMatchObject({ cause: "a word" });
  });

  it("null is no value of a Node stream: invalid-option, once what had come is read", async () => {
    const source = new Subject<number | null>();
    const readable = toReadable(source, objects);
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const value of readable) read.push(value);
    })();
    await sleep(0);
    for (const value of [0, 1, null, 3]) source.next(value);
    expect(plain(await reading.catch((error: unknown) => error))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "null"),
    );
    expect(read).toStrictEqual([0, 1]);
    expect(source.observed).toBe(false);
  });

  it("a slow writer: values taken and values dropped are all there were", async () => {
    const lost: number[] = [];
    const written: number[] = [];
    const source = new Subject<number>();
    const readable = toReadable(source, { ...objects, queue: 3, overflow: "drop-oldest", lost: (v) => lost.push(v) });
    const slow = new Writable({
      ...objects,
      write: (value: number, _, done) => {
        written.push(value);
        setTimeout(done, 1);
      },
    });
    const done = pipeline(readable, slow);
    await sleep(0);
    for (let i = 0; i < 100; i++) source.next(i);
    source.complete();
    await done;
    expect(lost.length).toBeGreaterThan(80);
    expect([...written, ...lost].sort((a, b) => a - b)).toStrictEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(written).toStrictEqual(written.toSorted((a, b) => a - b));
  });

  it("error: a reader that is too slow gets what waits, and then the error", async () => {
    const source = new Subject<number>();
    const readable = toReadable(source, { ...objects, queue: 2 });
    readable.read();
    for (let i = 0; i < 9; i++) source.next(i);
    expect(source.observed).toBe(false);
    const read: unknown[] = [];
    const failed: unknown = await (async () => {
      for await (const value of readable) read.push(value);
    })().catch((error: unknown) => error);
    expect(read).toStrictEqual([0, 1, 2]);
    expect(plain(failed)).toStrictEqual(failure("OverflowError", "overflow"));
  });

  it("pauses the source while nobody reads", () => {
    const pauses: boolean[] = [];
    const source = new Subject<number>();
    const readable = toReadable(source, { ...objects, queue: 2, pause: { next: (value) => pauses.push(value) } });
    readable.read();
    for (let i = 0; i < 3; i++) source.next(i);
    expect(pauses).toStrictEqual([true]);
    readable.on("data", () => undefined);
    return eventually(() => {
      expect(pauses).toStrictEqual([true, false]);
      readable.destroy();
    });
  });
});

describe("fromReadable", () => {
  it("reads to the end, and completes", async () => {
    expect(await values(fromReadable(Readable.from([1, 2, 3])))).toStrictEqual([1, 2, 3]);
  });

  it("reads as it is asked, and not ahead", async () => {
    let asked = 0;
    const readable = new Readable({
      ...objects,
      read() {
        this.push(asked++);
      },
    });
    let iterator: AsyncIterator<unknown> | undefined;
    const subscription = fromReadable(readable).subscribe((chunks) => {
      iterator = chunks[Symbol.asyncIterator]();
    });
    for (let i = 0; i < 5; i++) expect(await iterator?.next()).toStrictEqual({ done: false, value: i });
    await sleep(5);
    expect(asked).toBeLessThan(9);
    subscription.unsubscribe();
    expect(readable.destroyed).toBe(true);
    expect(await iterator?.next()).toStrictEqual({ done: true, value: undefined });
  });

  it("an unsubscribe ends a read that waits", async () => {
    const readable = new Readable({ ...objects, read: () => undefined });
    let read: Promise<unknown> | undefined;
    fromReadable(readable)
      .subscribe((chunks) => {
        read = chunks[Symbol.asyncIterator]().next();
      })
      .unsubscribe();
    expect(await read).toStrictEqual({ done: true, value: undefined });
    expect(readable.destroyed).toBe(true);
  });

  it("destroys it when the loop is left", async () => {
    const readable = Readable.from([1, 2, 3]);
    const chunks = await new Promise<AsyncIterable<unknown>>((resolve) => fromReadable(readable).subscribe(resolve));
    for await (const chunk of chunks) if (chunk === 1) break;
    expect(readable.destroyed).toBe(true);
  });

  it("errors as it does, also before anybody has read", async () => {
    await expect(lastValueFrom(fromReadable(createReadStream("/no/such/file")))).rejects.toThrow("ENOENT");
    const broken = new Readable({
      ...objects,
      read() {
        this.destroy(new RangeError("reason"));
      },
    });
    await expect(values(fromReadable(broken))).rejects.toThrow("reason");
  });
});
