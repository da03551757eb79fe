import { describe, expect, it, vi } from "vitest";
import { testInjector } from "./test-injector.js";
import { computed, NgZone, signal } from "@angular/core";
import { concat, from, NEVER, Observable, of, Subject, tap, throwError } from "rxjs";
import { isochStream, replug, type IsochStream, type IsochStreamState } from "../../../src/angular/index.js";
import { DeviceError, isochPipe, type IsochResults, type IsochTransport } from "../../../src/index.js";
import { counterDevice, VirtualBus } from "../../../transports/virtual/index.js";
import { eventually } from "../../support/eventually.js";
import { results } from "../../support/hand-made.js";
import { expectClean, inPipe, marbleLab } from "../../support/marble-lab.js";
import { marbles } from "../../support/marbles.js";
import { ObservedDevice } from "../../support/observed-device.js";
import { failure, plain, thrown } from "../../support/plain-error.js";
import { slowTransport } from "../../support/slow-transport.js";

const perTransfer = { frames: 2, queue: 2 };
const two = (firstFrame: number, lost = 0) => results(firstFrame, [[1], [2, 3]], { lost });

/** The stream of the observed device, and what it read on chosen marble frames. */
function watched(
  lab: { readonly at: (frame: number, act: () => void) => void },
  stream: IsochStream,
  ...frames: number[]
): [number, string][] {
  const states: [number, string][] = [];
  for (const frame of frames) lab.at(frame, () => states.push([frame, stream.state()]));
  return states;
}

describe("isochStream", () => {
  it(
    "opens with start, streams, counts, and closes with stop",
    marbles((m) => {
      const lab = marbleLab(m);
      const stream = testInjector().run(() =>
        isochStream(() => isochPipe(lab.transport, inPipe), { stream: perTransfer }),
      );
      const states = watched(lab, stream, 0, 2, 4, 7);
      lab.at(1, () => stream.start());
      lab.at(6, () => stream.stop());
      lab.finish();
      expect(states).toStrictEqual([
        [0, "idle"],
        [2, "opening"],
        [4, "streaming"],
        [7, "idle"],
      ]);
      expect(stream.totals()).toStrictEqual({ frames: 4, lost: 0, bytes: 64 + 17 + 64 });
      expect(stream.error()).toBeUndefined();
    }),
  );

  it(
    "is stopping until everything is closed, and opens again behind that",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler, { delay: 2 }));
      const stream = testInjector().run(() =>
        isochStream(() => isochPipe(lab.transport, inPipe), { stream: perTransfer }),
      );
      const states = watched(lab, stream, 7, 9, 12, 13, 15, 29, 33, 37);
      stream.start();
      lab.at(10, () => stream.stop());
      lab.at(14, () => stream.start());
      lab.at(32, () => stream.stop());
      lab.finish();
      expect(states).toStrictEqual([
        [7, "opening"],
        [9, "streaming"],
        [12, "stopping"],
        [13, "stopping"],
        [15, "opening"],
        [29, "streaming"],
        [33, "stopping"],
        [37, "stopping"],
      ]);
      expect(stream.state()).toBe("idle");
    }),
  );

  it(
    "fails with the typed error on an unplug, keeps the totals, and stays failed",
    marbles((m) => {
      const lab = marbleLab(m);
      const stream = testInjector().run(() =>
        isochStream(() => isochPipe(lab.transport, inPipe), { stream: perTransfer }),
      );
      stream.start();
      lab.at(5, () => {
        lab.attachment.detach();
        lab.bus.attach(new ObservedDevice());
      });
      lab.finish();
      expect(stream.state()).toBe("failed");
      expect(plain(stream.error())).toStrictEqual(failure("DeviceError", "device-gone"));
      expect(stream.totals().frames).toBe(5);
    }),
  );

  it(
    "is stopping, and not idle, while what failed is being closed",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler, { delay: 2 }));
      const stream = testInjector().run(() =>
        isochStream(() => isochPipe(lab.transport, inPipe), { stream: perTransfer }),
      );
      const states = watched(lab, stream, 12, 14);
      stream.start();
      lab.at(10, () => {
        lab.attachment.detach();
      });
      lab.at(13, () => stream.stop());
      lab.finish();
      expect(states).toStrictEqual([
        [12, "failed"],
        [14, "stopping"],
      ]);
      expect(stream.state()).toBe("idle");
    }),
  );

  it(
    "starts again when the device is plugged in again, and adds to the totals",
    marbles((m) => {
      const lab = marbleLab(m);
      const restart = replug(() => lab.transport, inPipe);
      const stream = testInjector().run(() =>
        isochStream(() => isochPipe(lab.transport, inPipe), { stream: perTransfer, restart }),
      );
      const states = watched(lab, stream, 6, 999, 1001, 1003, 1010);
      stream.start();
      lab.at(5, () => {
        lab.attachment.detach();
      });
      lab.at(1000, () => lab.bus.attach(new ObservedDevice()));
      lab.at(1004, () => stream.stop());
      lab.finish();
      expect(states).toStrictEqual([
        [6, "failed"],
        [999, "failed"],
        [1001, "opening"],
        [1003, "streaming"],
        [1010, "idle"],
      ]);
      expect(stream.totals().frames).toBe(5 + 2);
    }),
  );

  it("waits for no restart once it was stopped or started, and takes what the wait fails with", () => {
    let waiting = 0;
    const plugged = new Subject<void>();
    const errors = [new Error("one"), new Error("two"), new Error("three")];
    const stream = testInjector().run(() =>
      isochStream(() => throwError(() => errors.shift()), {
        restart: (error) =>
          error.message.includes("three")
            ? throwError(() => new Error("no list of devices"))
            : new Observable((subscriber) => {
                waiting++;
                subscriber.add(() => waiting--);
                subscriber.add(plugged.subscribe(subscriber));
              }),
      }),
    );
    stream.start();
    expect(stream.error()).toMatchObject({
      code: "transport-failed",
      message: expect.stringContaining("one") as string,
    });
    expect(waiting).toBe(1);
    stream.stop();
    expect([stream.state(), stream.error(), waiting]).toStrictEqual(["idle", undefined, 0]);
    plugged.next();
    expect(stream.state()).toBe("idle");
    stream.start();
    expect(waiting).toBe(1);
    stream.start();
    expect(waiting).toBe(0);
    expect(stream.error()?.message).toContain("no list of devices");
  });

  it("fails where the source throws", () => {
    const stream = testInjector().run(() =>
      isochStream(() => {
        throw new Error("nothing chosen");
      }),
    );
    stream.start();
    expect(stream.state()).toBe("failed");
    expect(stream.error()?.message).toContain("nothing chosen");
  });

  it(
    "says what went wrong in closing",
    marbles((m) => {
      const reason = new Error("the cable is stuck");
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler, { failures: { close: reason } }));
      const stream = testInjector().run(() => isochStream(() => isochPipe(lab.transport, inPipe)));
      stream.start();
      lab.at(20, () => stream.stop());
      m.flush();
      expect(stream.state()).toBe("failed");
      expect(stream.error()?.cause).toBe(reason);
    }),
  );

  it("is idle once its source completes, and counts from zero with the next start", () => {
    const stream = testInjector().run(() => isochStream(() => of(two(0), two(5, 3))));
    const seen: number[] = [];
    stream.results.subscribe(({ firstFrame }) => seen.push(firstFrame));
    stream.start();
    stream.start();
    expect(stream.state()).toBe("idle");
    expect(stream.totals()).toStrictEqual({ frames: 4, lost: 3, bytes: 6 });
    expect(seen).toStrictEqual([0, 5, 0, 5]);
  });

  it("does nothing with a second start, and stops a source that emits while it is being subscribed to", () => {
    let subscriptions = 0;
    let emitted = 0;
    const endless = from(
      (function* () {
        for (;;) yield two(2 * emitted++);
      })(),
    );
    const stream = testInjector().run(() =>
      isochStream(() => {
        subscriptions++;
        return endless;
      }),
    );
    stream.results.subscribe(({ firstFrame }) => {
      stream.start();
      if (firstFrame === 6) stream.stop();
    });
    stream.start();
    expect([stream.state(), subscriptions, emitted]).toStrictEqual(["idle", 1, 4]);
  });

  it("counts the frames that gaps shows as lost", () => {
    const shown = results(0, [["lost"], ["lost"]]);
    const stream = testInjector().run(() => isochStream(() => of(shown, results(2, [[1], ["crc", 2]]))));
    stream.start();
    expect(stream.totals()).toStrictEqual({ frames: 2, lost: 2, bytes: 2 });
  });

  it("stops with its injector, completes its results, and cannot be started any more", () => {
    const { injector, run, destroy } = testInjector();
    let live = 0;
    const source = new Observable<IsochResults>((subscriber) => {
      live++;
      subscriber.add(() => live--);
    });
    const inside = run(() => isochStream(() => source));
    const outside = isochStream(() => source, { injector });
    const completed = vi.fn();
    inside.results.subscribe({ complete: completed });
    inside.start();
    outside.start();
    expect(live).toBe(2);
    destroy();
    expect([live, inside.state(), outside.state()]).toStrictEqual([0, "idle", "idle"]);
    expect(completed).toHaveBeenCalledOnce();
    expect(thrown(() => inside.start())).toStrictEqual(failure("TransferStateError", "pipe-closed", "destroyed"));
    inside.stop();
    expect(() => isochStream(() => source)).toThrow(/injection context/);
  });

  it("writes the totals once in an animation frame, however many transfers come", () => {
    const frames: (() => void)[] = [];
    vi.stubGlobal("requestAnimationFrame", (work: () => void) => frames.push(work));
    vi.stubGlobal("cancelAnimationFrame", () => undefined);
    try {
      const source = new Subject<IsochResults>();
      const stream = testInjector().run(() => isochStream(() => source));
      stream.start();
      const before = stream.totals();
      for (let i = 0; i < 100; i++) source.next(two(2 * i));
      expect(stream.totals()).toBe(before);
      expect(frames).toHaveLength(1);
      frames.shift()?.();
      expect(stream.totals()).toStrictEqual({ frames: 200, lost: 0, bytes: 300 });
      expect(frames).toHaveLength(0);
      source.next(two(200));
      stream.stop();
      expect(stream.totals().frames).toBe(202);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("begins everything outside of the zone, and is tracked by nobody who starts or stops it", () => {
    let outside = false;
    const zone = {
      runOutsideAngular: <T>(work: () => T): T => {
        outside = true;
        try {
          return work();
        } finally {
          outside = false;
        }
      },
    };
    const began: boolean[] = [];
    const chosen = signal(0);
    const stream = testInjector({ provide: NgZone, useValue: zone }).run(() =>
      isochStream(() => {
        began.push(outside, chosen() === 0);
        return concat(of(two(0)), NEVER);
      }),
    );
    let computations = 0;
    const reader = computed(() => {
      stream.start();
      return ++computations;
    });
    reader();
    chosen.set(1);
    stream.stop();
    reader();
    expect([began, computations]).toStrictEqual([[true, true], 1]);
  });

  it("starts again outside of the zone, wherever the restart comes from", async () => {
    let outside = false;
    const zone = {
      runOutsideAngular: <T>(work: () => T): T => {
        const before = outside;
        outside = true;
        try {
          return work();
        } finally {
          outside = before;
        }
      },
    };
    const began: boolean[] = [];
    const button = new Subject<void>();
    const stream = testInjector({ provide: NgZone, useValue: zone }).run(() =>
      isochStream(
        () => {
          began.push(outside);
          return throwError(() => new DeviceError("device-gone", "plug it in again"));
        },
        { restart: () => button },
      ),
    );
    stream.start();
    button.next();
    await eventually(() => {
      expect(began).toHaveLength(2);
    });
    expect(began).toStrictEqual([true, true]);
    stream.stop();
  });

  it("takes what a source emits, fails with or ends with in a computed signal, and is not tracked there", () => {
    for (const state of ["streaming", "failed", "idle"] as const) {
      const source = new Subject<IsochResults>();
      const stream = testInjector().run(() => isochStream(() => source));
      const read = signal(0);
      stream.results.subscribe(() => read());
      stream.start();
      let computations = 0;
      const reader = computed(() => {
        source.next(two(0));
        if (state === "failed") source.error(new Error("as the test says"));
        if (state === "idle") source.complete();
        return ++computations;
      });
      reader();
      expect(stream.state()).toBe(state);
      stream.stop();
      read.set(1);
      reader();
      expect(computations).toBe(1);
    }
  });

  it("a restart that comes at once, of a source that fails at once: a task each, until it is stopped", async () => {
    let starts = 0;
    const stream = testInjector().run(() =>
      isochStream(
        () => {
          starts++;
          return throwError(() => new Error("at once"));
        },
        { restart: () => of(0) },
      ),
    );
    stream.start();
    expect([starts, stream.state()]).toStrictEqual([1, "failed"]);
    await eventually(() => {
      expect(starts).toBeGreaterThan(20);
    });
    stream.stop();
    const before = starts;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([starts, stream.state()]).toStrictEqual([before, "idle"]);
  });

  it("leaves nothing behind after a hundred starts and stops", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    let live = 0;
    let subscriptions = 0;
    const counted = <T>(source: Observable<T>): Observable<T> =>
      source.pipe(
        tap({
          subscribe: () => {
            live++;
            subscriptions++;
          },
          finalize: () => {
            live--;
          },
        }),
      );
    const transport: IsochTransport = {
      name: bus.name,
      capabilities: bus.capabilities,
      devices: () => counted(bus.devices()),
      open: (selector) => counted(bus.open(selector)),
    };
    const selector = { vendorId: 0x1209, endpoint: 0x81 };
    const stream = testInjector().run(() =>
      isochStream(() => isochPipe(transport, selector), {
        stream: { frames: 8 },
        restart: replug(transport, selector),
      }),
    );
    const until = (state: IsochStreamState) =>
      vi.waitFor(
        () => {
          expect(stream.state()).toBe(state);
        },
        { interval: 1, timeout: 10_000 },
      );
    for (let i = 0; i < 100; i++) {
      stream.start();
      await until("streaming");
      stream.stop();
    }
    await until("idle");
    expect([subscriptions, live]).toStrictEqual([100, 0]);
    expectClean(bus);
    expect(bus.audit().submitted).toBeGreaterThan(100);
  });
});
