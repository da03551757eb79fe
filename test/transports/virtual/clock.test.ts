import { asyncScheduler, VirtualTimeScheduler } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { realTimeClock, schedulerClock, unpacedClock } from "../../../transports/virtual/index.js";
import { marbles } from "../../support/marbles.js";

describe("realTimeClock", () => {
  /** How much later than asked the timers of the host wake the program, in milliseconds. */
  let lateness = 0;
  let readings = 0;

  beforeEach(() => {
    lateness = 0;
    readings = 0;
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
    vi.spyOn(performance, "now").mockImplementation(() => {
      readings++;
      return Date.now() + lateness;
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("counts microseconds from when it was made", () => {
    const clock = realTimeClock();
    expect(clock.now()).toBe(0);
    vi.advanceTimersByTime(3);
    expect(clock.now()).toBe(3000);
  });

  it("does not drift: the lateness of a thousand timers does not add up", () => {
    const clock = realTimeClock();
    const woken: number[] = [];
    const next = (at: number) => {
      if (at > 1_000_000) return;
      clock.schedule(at, () => {
        // As a timer that fires 0 to 0.9 ms late.
        lateness = (woken.length % 10) / 10;
        woken.push(clock.now() - at);
        next(at + 1000);
      });
    };
    next(1000);
    vi.advanceTimersByTime(1100);
    expect(woken).toHaveLength(1000);
    expect(Math.max(...woken)).toBeLessThan(2000);
    expect(Math.min(...woken)).toBeGreaterThanOrEqual(0);
  });

  it("does not fire before the time has come, however early the host's timer is", () => {
    const clock = realTimeClock();
    lateness = 0;
    let at: number | undefined;
    clock.schedule(5000, () => {
      at = clock.now();
    });
    lateness = -0.5;
    vi.advanceTimersByTime(5);
    expect(at).toBeUndefined();
    lateness = 0;
    vi.advanceTimersByTime(1);
    expect(at).toBe(6000);
  });

  it("does not fire at once what is further off than a timer can wait", () => {
    const clock = realTimeClock();
    let fired = 0;
    const subscription = clock.schedule(1e18, () => fired++);
    const looks = readings;
    vi.advanceTimersByTime(1000);
    expect(fired).toBe(0);
    expect(vi.getTimerCount()).toBe(1);
    // It sleeps, and does not look at the clock in each millisecond.
    expect(readings).toBe(looks);
    subscription.unsubscribe();
    expect(vi.getTimerCount()).toBe(0);
    const days30 = 30 * 86_400_000;
    clock.schedule(clock.now() + days30 * 1000, () => fired++);
    vi.setSystemTime(Date.now() + days30 - 5000);
    vi.advanceTimersByTime(2 ** 31);
    expect(fired).toBe(1);
  });

  it("calls back at once, but not before schedule returns, for a time that has passed", () => {
    const clock = realTimeClock();
    vi.advanceTimersByTime(10);
    let fired = false;
    clock.schedule(1, () => {
      fired = true;
    });
    expect(fired).toBe(false);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(true);
  });
});

describe("realTimeClock.waitUntil", () => {
  it("blocks the program until then, and not at all for a time that has passed", () => {
    const clock = realTimeClock();
    const before = performance.now();
    clock.waitUntil?.(clock.now() + 15_000);
    expect(performance.now() - before).toBeGreaterThanOrEqual(15);
    clock.waitUntil?.(0);
    clock.waitUntil?.(-1);
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe("schedulerClock", () => {
  it(
    "maps marble frames to bus time",
    marbles((m) => {
      const { scheduler } = m;
      const clock = schedulerClock(scheduler, 125);
      const seen: [number, number][] = [];
      for (const at of [250, 1000, 125]) clock.schedule(at, () => seen.push([scheduler.frame, clock.now()]));
      m.flush();
      expect(seen).toStrictEqual([
        [1, 125],
        [2, 250],
        [8, 1000],
      ]);
    }),
  );

  it("begins at 0, whatever the scheduler's time", () => {
    const scheduler = new VirtualTimeScheduler();
    scheduler.schedule(() => undefined, 77);
    scheduler.flush();
    expect(schedulerClock(scheduler).now()).toBe(0);
  });

  it("reaches times that are no whole milliseconds, and never falls short of them", () => {
    const scheduler = new VirtualTimeScheduler();
    const clock = schedulerClock(scheduler);
    let short = 0;
    let fired = 0;
    for (let i = 0; i < 2000; i++) {
      const at = i * 333 + 1;
      clock.schedule(at, () => {
        fired++;
        if (clock.now() < at) short++;
      });
    }
    scheduler.flush();
    expect({ fired, short }).toStrictEqual({ fired: 2000, short: 0 });
  });

  it("forgets what was unsubscribed", () => {
    const scheduler = new VirtualTimeScheduler();
    let fired = 0;
    schedulerClock(scheduler)
      .schedule(1000, () => fired++)
      .unsubscribe();
    scheduler.flush();
    expect(fired).toBe(0);
  });

  it("cannot be waited for: its time is somebody else's", () => {
    expect(schedulerClock(new VirtualTimeScheduler()).waitUntil).toBeUndefined();
  });

  it.each([0, -1, NaN, 0.5, Infinity, "1000"])("refuses %s microseconds", (microseconds) => {
    expect(() => schedulerClock(asyncScheduler, microseconds as number)).toThrow(
      expect.objectContaining({ name: "InvalidRequestError", code: "invalid-number" }),
    );
  });
});

describe("unpacedClock", () => {
  it("runs in the order of time; of one time, in the order of scheduling", async () => {
    const clock = unpacedClock();
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      for (const [at, name] of [
        [3000, "d"],
        [1000, "a"],
        [2000, "b"],
        [2000, "c"],
      ] as const) {
        clock.schedule(at, () => seen.push(`${name}@${clock.now()}`));
      }
      clock.schedule(4000, resolve);
      expect(seen).toStrictEqual([]);
    });
    expect(seen).toStrictEqual(["a@1000", "b@2000", "c@2000", "d@3000"]);
  });

  it("does not go back for what is late", async () => {
    const clock = unpacedClock();
    await new Promise<void>((resolve) => {
      clock.schedule(5000, () => {
        clock.schedule(100, resolve);
      });
    });
    expect(clock.now()).toBe(5000);
  });

  it("jumps where it is waited for", () => {
    const clock = unpacedClock();
    clock.waitUntil?.(1e9);
    clock.waitUntil?.(5);
    expect(clock.now()).toBe(1e9);
  });

  it("lets the event loop turn, however much there is to do", async () => {
    const clock = unpacedClock();
    let frames = 0;
    let isStopped = false;
    const next = () => {
      frames++;
      if (!isStopped) clock.schedule(clock.now() + 125, next);
    };
    next();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setImmediate(resolve));
    isStopped = true;
    expect(frames).toBeGreaterThan(1);
  });

  it("forgets what was unsubscribed, and rests when nothing waits", async () => {
    const clock = unpacedClock();
    let fired = 0;
    clock.schedule(100, () => fired++).unsubscribe();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(fired).toBe(0);
    await new Promise<void>((resolve) => clock.schedule(100, resolve));
    expect(clock.now()).toBe(100);
  });

  it("goes on after something it called has thrown", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const clock = unpacedClock();
      let fired = 0;
      clock.schedule(1, () => {
        throw new Error("thrown on purpose");
      });
      clock.schedule(2, () => fired++);
      expect(() => vi.advanceTimersByTime(1)).toThrow("thrown on purpose");
      await vi.advanceTimersByTimeAsync(5);
      expect(fired).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });
});
