import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { takeUntil, timer, type Observable } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { IsochError, isochPipe, type IsochResults, type StreamOptions } from "rx-isoch";
import { libusb } from "rx-isoch/transports/libusb";
import { readCounter } from "rx-isoch/transports/virtual";
import { CounterBus } from "../support/counter-devices.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** The program does nothing else meanwhile: no timer, no callback, no collection. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** What a stream brought, by its counters. */
interface Account {
  readonly frames: number;
  /** Reported as lost. */
  readonly lost: number;
  /** Counters that are missing. */
  readonly missing: number;
  /** The most that a report and the counters differ at one place. */
  readonly worst: number;
  /** Frames that are not good. */
  readonly bad: number;
  /** Of the lost frames, those that no result with frames follows. */
  readonly lostAtEnd: number;
  /** Each result begins where the one before it has ended, with what was lost between them. */
  readonly isSeamless: boolean;
  readonly code: string | undefined;
}

function account(results: readonly IsochResults[], code: string | undefined): Account {
  let frames = 0;
  let lost = 0;
  let missing = 0;
  let worst = 0;
  let bad = 0;
  let expected: number | undefined;
  let end: number | undefined;
  let isSeamless = true;
  for (const each of results) {
    let reported = each.lost;
    lost += each.lost;
    isSeamless &&= end === undefined || each.firstFrame - each.lost === end;
    end = each.firstFrame + each.served;
    for (const { status, data } of each) {
      frames++;
      if (status !== "ok") bad++;
      const counter = readCounter(data) ?? NaN;
      const gap = expected === undefined ? reported : counter - expected;
      missing += gap;
      worst = Math.max(worst, Math.abs(gap - reported));
      expected = counter + 1;
      reported = 0;
    }
  }
  const last = results.at(-1);
  const lostAtEnd = last?.length === 0 ? last.lost : 0;
  return { frames, lost, missing, worst, bad, lostAtEnd, isSeamless, code };
}

let bus: CounterBus;

beforeEach(async () => {
  bus = await CounterBus.open();
});

afterEach(async () => {
  await bus.close();
});

/** Streams for so long, and calls `disturb` once it runs. */
async function stream(
  speed: "full" | "high",
  options: StreamOptions,
  milliseconds: number,
  disturb: () => unknown,
): Promise<Account> {
  await bus.attach({ speed });
  const results: IsochResults[] = [];
  const pipe = isochPipe(libusb(), { vendorId: 0x1209, productId: 0x0001, endpoint: 0x81, alternate: 1 });
  const stop: Observable<unknown> = timer(milliseconds);
  const code = await new Promise<string | undefined>((resolve) => {
    let isRunning = false;
    pipe
      .results(options)
      .pipe(takeUntil(stop))
      .subscribe({
        next: (each) => {
          results.push(each);
          if (isRunning || results.length < 4) return;
          isRunning = true;
          setTimeout(disturb);
        },
        error: (error: unknown) => {
          resolve(IsochError.is(error) ? error.code : String(error));
        },
        complete: () => {
          resolve(undefined);
        },
      });
  });
  await new Promise<void>((resolve, reject) => {
    pipe.closing.subscribe({ error: reject, complete: resolve });
  });
  return account(results, code);
}

/** In flight for half a second and more: emulation holds up the event thread as no real machine does. */
const calm = { full: { frames: 16, queue: 32 }, high: { frames: 64, queue: 80 } } as const;

// Whatever else the host does can hold up the whole guest, with the event thread, for longer than that.
const again = { retry: 2 };

describe.each(["full", "high"] as const)("a program that is held up, at %s speed", again, (speed) => {
  const perSecond = speed === "full" ? 1000 : 8000;

  it("for 2 s loses nothing", async () => {
    const seen = await stream(
      speed,
      { ...calm[speed], ring: Math.ceil((3 * perSecond) / calm[speed].frames) },
      4000,
      () => {
        block(2000);
      },
    );
    expect(seen).toMatchObject({ lost: 0, missing: 0, bad: 0, code: undefined });
    expect(seen.frames).toBeGreaterThan(2.5 * perSecond);
  });

  it("by full collections loses nothing", async () => {
    const seen = await stream(
      speed,
      { ...calm[speed], ring: Math.ceil((3 * perSecond) / calm[speed].frames) },
      3000,
      async () => {
        for (let i = 0; i < 5; i++) {
          collectGarbage();
          await sleep(50);
        }
      },
    );
    expect(seen).toMatchObject({ lost: 0, missing: 0, bad: 0, code: undefined });
  });

  it.each(["drop-oldest", "drop-newest"] as const)(
    "beyond the ring learns of each frame (%s), and goes on",
    async (overflow) => {
      const ring = Math.ceil((0.5 * perSecond) / calm[speed].frames);
      const seen = await stream(speed, { ...calm[speed], ring, overflow }, 4000, () => {
        block(2000);
      });
      expect(seen).toMatchObject({ bad: 0, code: undefined });
      expect(seen.lost).toBeGreaterThan(perSecond);
      expect(seen).toMatchObject({ lost: seen.missing, worst: 0 });
      expect(seen.frames).toBeGreaterThan(perSecond);
    },
  );

  it("beyond the ring ends, under the policy error, after what had arrived", async () => {
    const ring = Math.ceil((0.5 * perSecond) / calm[speed].frames);
    const seen = await stream(speed, { ...calm[speed], ring, overflow: "error" }, 6000, () => {
      block(2000);
    });
    expect(seen).toMatchObject({ bad: 0, code: "overflow", worst: 0, isSeamless: true });
    expect(seen.frames).toBeGreaterThan(0.4 * perSecond);
    // What found the ring full is among it: nothing made room before the program looked up again. No more
    // than that and the rest of what was in flight is.
    const { frames, queue } = calm[speed];
    expect(seen.lostAtEnd).toBeGreaterThanOrEqual(frames);
    expect(seen.lostAtEnd).toBeLessThanOrEqual((queue + 1) * frames);
    expect(seen.lost - seen.missing).toBe(seen.lostAtEnd);
  });
});
