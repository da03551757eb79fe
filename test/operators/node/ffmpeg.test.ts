import { fileURLToPath } from "node:url";
import {
  concatMap,
  EMPTY,
  firstValueFrom,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  Subject,
  tap,
  toArray,
} from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { fromFfmpeg, pcmInput, pictureInput, toFfmpeg } from "../../../operators/node/index.js";
import { failure, plain, thrown } from "../../support/plain-error.js";

const command = fileURLToPath(new URL("fake-ffmpeg.mjs", import.meta.url));
const run = (...args: string[]) => ({ command, args });

async function outcome(source: Observable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await lastValueFrom(source.pipe(toArray())));
}

const error = (source: Observable<unknown>) => lastValueFrom(source).then(String, (reason: unknown) => plain(reason));

/** Children of this process that run still. */
async function expectNoChildren() {
  const { execFile } = await import("node:child_process");
  await vi.waitFor(
    async () => {
      const list = await new Promise<string>((resolve) => {
        execFile("ps", ["--ppid", String(process.pid), "-o", "args="], (_, stdout) => {
          resolve(stdout);
        });
      });
      expect(list).not.toContain("fake-ffmpeg");
    },
    { timeout: 10_000, interval: 100 },
  );
}

describe("toFfmpeg", () => {
  it("feeds it everything, emits what it writes, and completes when it has ended", async () => {
    const pieces = Array.from({ length: 50 }, (_, i) => Buffer.alloc(10_000, i));
    const echoed = await outcome(from(pieces).pipe(toFfmpeg(run("echo"))));
    expect(echoed.equals(Buffer.concat(pieces))).toBe(true);
  });

  it("ends it where nothing comes", async () => {
    expect((await outcome(EMPTY.pipe(toFfmpeg(run("count"))))).toString()).toBe("0");
  });

  it("a failure is an error with its status and the end of its words, which are bounded", async () => {
    const result = await error(of(new Uint8Array(3)).pipe(toFfmpeg(run("fail", "3"))));
    expect(result).toStrictEqual(failure("ProcessError", "process-failed", "status 3", "line 1999"));
    expect(JSON.stringify(result).length).toBeLessThan(1000);
  });

  it("a failure while more is written is that failure, and no EPIPE; the source is let go", async () => {
    const source = new Subject<Uint8Array>();
    const result = error(source.pipe(toFfmpeg({ ...run("fail-at-once"), queue: 100_000 })));
    const writing = setInterval(() => {
      source.next(new Uint8Array(100_000));
    }, 1);
    expect(await result).toStrictEqual(failure("ProcessError", "process-failed", "status 1", "Invalid data found"));
    clearInterval(writing);
    expect(source.observed).toBe(false);
  });

  it("says what to do where there is none", async () => {
    expect(await error(NEVER.pipe(toFfmpeg({ command: "no-such-ffmpeg", args: [] })))).toStrictEqual(
      failure("ProcessError", "process-failed", "no-such-ffmpeg", "install it"),
    );
    await expect(lastValueFrom(fromFfmpeg({ command: "no-such-ffmpeg", args: [] }))).rejects.toMatchObject({
      native: "ENOENT",
    });
  });

  it("completes where it has enough, and lets the source go", async () => {
    const source = new Subject<Uint8Array>();
    const done = outcome(source.pipe(toFfmpeg({ ...run("enough"), queue: 100_000 })));
    const writing = setInterval(() => {
      source.next(new Uint8Array(1000));
    }, 1);
    expect((await done).length).toBe(0);
    clearInterval(writing);
    expect(source.observed).toBe(false);
  });

  it("one that does not read stops neither the program nor the account of what is dropped", async () => {
    let dropped = 0;
    const source = new Subject<Uint8Array>();
    const ready = firstValueFrom(
      source.pipe(
        toFfmpeg({
          ...run("deaf"),
          patience: 10,
          queue: 4,
          overflow: "drop-oldest",
          lost: (bytes) => (dropped += bytes.length),
        }),
      ),
    );
    const size = 65_536;
    for (let i = 0; i < 100; i++) source.next(new Uint8Array(size));
    // A few are in the buffers of its input, and four wait.
    expect(dropped).toBeGreaterThan(80 * size);
    await ready;
    await expectNoChildren();
  });

  it.each(["idle", "deaf", "endless"])("an unsubscribe ends one that is %s", async (what) => {
    await firstValueFrom(NEVER.pipe(toFfmpeg({ ...run(what), patience: 100 })));
    await expectNoChildren();
  });

  it("an error of the source comes though a script that was killed left somebody at its streams", async () => {
    const source = new Subject<Uint8Array>();
    let left = 0;
    const ended = error(
      source.pipe(
        toFfmpeg({ ...run("wrapper"), patience: 100 }),
        tap((pid) => {
          left = Number(Buffer.from(pid).toString());
          source.error(new RangeError("reason"));
        }),
      ),
    );
    expect(await ended).toMatchObject({ class: "RangeError" });
    // It is there still; a signal that cannot be delivered throws.
    process.kill(left);
  });

  it("an unsubscribe ends it also while it is waited for after an error of the source", async () => {
    const source = new Subject<Uint8Array>();
    const subscription = source.pipe(toFfmpeg({ ...run("idle"), patience: 600_000 })).subscribe({
      next: () => {
        source.error(new RangeError("reason"));
        // It reads nothing, and would never end by that.
        setTimeout(() => {
          subscription.unsubscribe();
        }, 1);
      },
      error: () => undefined,
    });
    await vi.waitFor(
      () => {
        expect(subscription.closed).toBe(true);
      },
      { timeout: 10_000 },
    );
    await expectNoChildren();
  });

  it("an error of the source comes when what had come is written, and it has ended", async () => {
    const source = new Observable<Uint8Array>((subscriber) => {
      subscriber.next(new Uint8Array(70_000));
      subscriber.error("reason");
    });
    const emitted: Uint8Array[] = [];
    const ended = new Promise((resolve) =>
      source.pipe(toFfmpeg(run("count"))).subscribe({ next: (bytes) => emitted.push(bytes), error: resolve }),
    );
    expect(await ended).toBe("reason");
    expect(Buffer.concat(emitted).toString()).toBe("70000");
    await expectNoChildren();
  });
});

describe("fromFfmpeg", () => {
  const bytes = concatMap((chunks: AsyncIterable<Uint8Array>) => chunks);

  it("reads everything, and completes when it has ended", async () => {
    const read = await outcome(fromFfmpeg(run("produce", "300000")).pipe(bytes));
    expect(read.equals(Buffer.alloc(300_000, 7))).toBe(true);
  });

  it("keeps what an ffmpeg wrote that had ended before somebody read", async () => {
    const begun = firstValueFromOpen(fromFfmpeg(run("produce", "1000")));
    await expectNoChildren();
    // Node lets go of what nobody reads some time after that.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const read: Uint8Array[] = [];
    for await (const chunk of await begun) read.push(chunk);
    expect(Buffer.concat(read).equals(Buffer.alloc(1000, 7))).toBe(true);
  });

  it("a failure is told of also where nobody reads", async () => {
    expect(await error(fromFfmpeg(run("fail", "69")))).toStrictEqual(
      failure("ProcessError", "process-failed", "status 69", "line 1999"),
    );
  });

  it("a failure is an error with its status and the end of its words", async () => {
    expect(await error(fromFfmpeg(run("fail", "69")).pipe(bytes))).toStrictEqual(
      failure("ProcessError", "process-failed", "status 69", "line 1999"),
    );
  });

  it("makes it wait while nobody reads, and an unsubscribe ends it", async () => {
    let iterator: AsyncIterator<Uint8Array> | undefined;
    const subscription = fromFfmpeg(run("endless")).subscribe((chunks) => {
      iterator = chunks[Symbol.asyncIterator]();
    });
    expect((await iterator?.next())?.done).toBe(false);
    subscription.unsubscribe();
    expect(await iterator?.next()).toStrictEqual({ done: true, value: undefined });
    await expectNoChildren();
  });

  it("a loop that is left ends it", async () => {
    const chunks = await firstValueFromOpen(fromFfmpeg(run("endless")));
    for await (const chunk of chunks) if (chunk.length > 0) break;
    await expectNoChildren();
  });
});

function firstValueFromOpen<T>(source: Observable<T>): Promise<T> {
  return new Promise((resolve) => source.subscribe(resolve));
}

describe("the descriptions of inputs", () => {
  it.each([
    ["mjpeg", ["-f", "mjpeg", "-framerate", "15"]],
    ["yuy2", ["-f", "rawvideo", "-pixel_format", "yuyv422", "-video_size", "4x2", "-framerate", "15"]],
    ["nv12", ["-f", "rawvideo", "-pixel_format", "nv12", "-video_size", "4x2", "-framerate", "15"]],
  ])("%s", (format, args) => {
    expect(pictureInput({ format, width: 4, height: 2, framesPerSecond: 15 })).toStrictEqual([...args, "-i", "pipe:0"]);
  });

  it.each([
    ["s8", { bits: 8 }],
    ["u8", { bits: 8, kind: "pcm8" }],
    ["s24le", { bits: 20 }],
    ["s32le", { bits: 24, subslotSize: 4 }],
    ["f32le", { bits: 32, kind: "float" }],
  ] as const)("%s", (name, samples) => {
    expect(pcmInput({ sampleRate: 8000, channels: 1, ...samples })).toStrictEqual([
      "-f",
      name,
      "-ar",
      "8000",
      "-ac",
      "1",
      "-i",
      "pipe:0",
    ]);
  });

  it("refuse what ffmpeg does not know", () => {
    const refusal = failure("InvalidRequestError", "invalid-option");
    const picture = { format: "RGB", width: 4, height: 2, framesPerSecond: 15 };
    expect(thrown(() => pictureInput(picture))).toStrictEqual(refusal);
    expect(thrown(() => pcmInput({ sampleRate: 8000, channels: 1, bits: 40 }))).toStrictEqual(refusal);
  });
});
