import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { testInjector } from "./test-injector.js";
import { NgZone } from "@angular/core";
import { Observable, of, Subject } from "rxjs";
import { latestSignal } from "../../../src/angular/index.js";
import { marbles } from "../../support/marbles.js";

describe("latestSignal", () => {
  const frames: (() => void)[] = [];
  const paint = () => {
    for (const frame of frames.splice(0)) frame();
  };

  beforeEach(() => {
    frames.length = 0;
    vi.stubGlobal("requestAnimationFrame", (work: () => void) => frames.push(work));
    vi.stubGlobal("cancelAnimationFrame", () => undefined);
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("reads the latest value of each animation frame, and waits for none while nothing comes", () => {
    const source = new Subject<number>();
    const latest = testInjector().run(() => latestSignal(source));
    expect([latest(), frames.length]).toStrictEqual([undefined, 0]);
    for (let i = 1; i <= 50; i++) source.next(i);
    expect([latest(), frames.length]).toStrictEqual([undefined, 1]);
    paint();
    expect([latest(), frames.length]).toStrictEqual([50, 0]);
  });

  it("begins with the initial value, and keeps the last one of a stream that completes", () => {
    const latest = testInjector().run(() => latestSignal(of(1, 2, 3), { initialValue: 0 }));
    expect(latest()).toBe(0);
    paint();
    expect(latest()).toBe(3);
  });

  it("throws the error of its stream when it is read", () => {
    const source = new Subject<number>();
    const latest = testInjector().run(() => latestSignal(source, { initialValue: 0 }));
    source.error(new Error("reason"));
    expect(() => latest()).toThrow("reason");
  });

  it("unsubscribes with its injector", () => {
    const { injector, destroy } = testInjector();
    const source = new Subject<number>();
    latestSignal(source, { injector });
    source.next(1);
    expect(source.observed).toBe(true);
    destroy();
    expect(source.observed).toBe(false);
    expect(() => latestSignal(source)).toThrow(/injection context/);
  });

  it("subscribes outside of the zone", () => {
    const runOutsideAngular = vi.fn(<T>(work: () => T) => work());
    const subscribed = vi.fn();
    const source = new Observable(() => {
      subscribed(runOutsideAngular.mock.calls.length);
    });
    testInjector({ provide: NgZone, useValue: { runOutsideAngular } }).run(() => latestSignal(source));
    expect(subscribed.mock.calls).toStrictEqual([[1]]);
  });
});

describe("latestSignal where nothing is painted", () => {
  it(
    "is written every 16 ms",
    marbles((m) => {
      const source = m.hot<string>("abcdefgh 12ms i 60ms |");
      const latest = testInjector().run(() => latestSignal(source));
      const seen: (string | undefined)[] = [];
      for (const frame of [15, 17, 35, 37]) m.scheduler.schedule(() => seen.push(latest()), frame);
      m.flush();
      expect(seen).toStrictEqual([undefined, "h", "h", "i"]);
    }),
  );
});
