import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Watchdog } from "../../../transports/usbip/watchdog.js";

describe("the watchdog", () => {
  let expired: number[];
  let watchdog: Watchdog;
  beforeEach(() => {
    vi.useFakeTimers();
    expired = [];
    watchdog = new Watchdog((key) => expired.push(key));
  });
  afterEach(() => {
    watchdog.stop();
    vi.useRealTimers();
  });

  it("tells once of what did not come, after a grace", () => {
    watchdog.expect(1, 1000);
    vi.advanceTimersByTime(1000);
    expect(expired).toStrictEqual([]);
    vi.advanceTimersByTime(5000);
    expect(expired).toStrictEqual([1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is content with what comes within the grace: a program that was held up hears its timers first", () => {
    watchdog.expect(1, 1000);
    vi.advanceTimersByTime(1100);
    watchdog.settle(1);
    vi.advanceTimersByTime(60_000);
    expect(expired).toStrictEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("hears an earlier limit that was set later", () => {
    watchdog.expect(1, 60_000);
    watchdog.expect(2, 100);
    vi.advanceTimersByTime(1000);
    expect(expired).toStrictEqual([2]);
  });

  it("has one timer for all, and none where nothing is waited for", () => {
    for (let key = 0; key < 100; key++) watchdog.expect(key, 1000 + key);
    expect(vi.getTimerCount()).toBe(1);
    for (let key = 0; key < 100; key++) watchdog.settle(key);
    vi.advanceTimersByTime(2000);
    expect(vi.getTimerCount()).toBe(0);
    expect(expired).toStrictEqual([]);
    watchdog.expect(7, 10);
    vi.advanceTimersByTime(1000);
    expect(expired).toStrictEqual([7]);
  });

  it("gives each its own grace", () => {
    watchdog.expect(1, 1000);
    watchdog.expect(2, 1200);
    vi.advanceTimersByTime(1300);
    watchdog.settle(1);
    vi.advanceTimersByTime(300);
    expect(expired).toStrictEqual([]);
    vi.advanceTimersByTime(1000);
    expect(expired).toStrictEqual([2]);
  });

  it("gives what is waited for again its own grace, though the time before it came within one", () => {
    watchdog.expect(1, 1000);
    vi.advanceTimersByTime(1100);
    watchdog.settle(1);
    vi.advanceTimersByTime(1000);
    watchdog.expect(1, 1000);
    vi.advanceTimersByTime(1100);
    watchdog.settle(1);
    vi.advanceTimersByTime(10_000);
    expect(expired).toStrictEqual([]);
  });

  it("says nothing once it is stopped", () => {
    watchdog.expect(1, 1000);
    watchdog.stop();
    vi.advanceTimersByTime(10_000);
    expect(expired).toStrictEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
