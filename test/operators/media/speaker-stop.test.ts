import { EMPTY, lastValueFrom, map, NEVER, of, Subject, throwError, toArray, type Observable } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { speaker, type PcmSource, type Played } from "../../../operators/media/index.js";
import { openDevice, type UsbDevice } from "../../../src/index.js";
import { speakerDevice, unpacedClock, VirtualBus } from "../../../transports/virtual/index.js";
import { marbleBus } from "../../../transports/virtual/testing/index.js";
import {
  AudioDevice,
  audioIds,
  countingSamples,
  frameSize,
  type AudioDeviceOptions,
} from "../../support/audio-device.js";
import { expectClean } from "../../support/marble-lab.js";
import { marbles } from "../../support/marbles.js";
import { plain } from "../../support/plain-error.js";
import { strictTransport } from "../../support/strict-transport.js";

function lab(options: Partial<AudioDeviceOptions> = {}) {
  const device = new AudioDevice({ speed: "full", feedback: "none", ...options });
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  return { device, bus, transport: strictTransport(bus) };
}

const samples = (count: number) => Buffer.concat([...countingSamples(count, 0)]);
const inWords = ({ results }: Played) => `${results.firstFrame}: ${results.bytesTransferred / frameSize} samples`;

/** Pulled without an end; tells when it is stopped. */
function endless(pulling: () => void, ended: () => void): Iterable<Uint8Array> {
  return (function* () {
    try {
      for (;;) {
        pulling();
        yield samples(48);
      }
    } finally {
      ended();
    }
  })();
}

/** Ends when it is told to, begun or not, as a file does. */
function resource({ begun = () => undefined, ended }: { begun?: () => void; ended: () => void }): Iterable<Uint8Array> {
  return {
    [Symbol.iterator]: () => {
      begun();
      const end = () => {
        ended();
        return { done: true, value: undefined } as const;
      };
      return { next: () => ({ value: samples(48) }), return: end };
    },
  };
}

/** Acts while the pipe of the speaker opens. */
function whilePipeOpens(device: AudioDevice, act: () => void): void {
  vi.spyOn(device, "alternateSelected").mockImplementation((_, alternate) => {
    if (alternate === 1) act();
  });
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("the stop of a speaker", () => {
  it.each<[what: string, source: (ended: () => void) => PcmSource]>([
    ["is pulled", (ended) => endless(() => undefined, ended)],
    [
      "waits",
      (ended) => {
        ended();
        return samples(4800);
      },
    ],
  ])("sends no more of what %s, tells of what is in flight, and completes", (_, sourceOf) => {
    marbles((m) => {
      const device = new AudioDevice({ speed: "full", feedback: "none" });
      const bus = marbleBus(m.scheduler);
      bus.attach(device);
      let isEnded = false;
      const source = m.hot<PcmSource>("-a---------", { a: sourceOf(() => (isEnded = true)) });
      const stop = m.hot("             ----x------");
      const expected = "               --abcd(e|) ";
      const played = source.pipe(speaker(bus, audioIds, { latency: 3, stop }), map(inWords));

      m.expect(played).toBeObservable(expected, {
        a: "1: 48 samples",
        b: "2: 48 samples",
        c: "3: 48 samples",
        d: "4: 48 samples",
        e: "5: 48 samples",
      });
      m.expect(source).toHaveSubscriptions("^---!");
      m.expect(stop).toHaveSubscriptions("^---!");
      m.flush();
      expect(device.speaker.received).toBe(5 * 48);
      expect(isEnded).toBe(true);
      expectClean(bus);
    })();
  });

  it("that comes before everything opens nothing", async () => {
    const { device, bus, transport } = lab();
    const played = of(samples(480)).pipe(speaker(transport, audioIds, { stop: of(1) }), toArray());
    expect(await lastValueFrom(played)).toStrictEqual([]);
    expect(device.log).toStrictEqual([]);
    expectClean(bus, transport);
  });

  it(
    "is not kept waiting by a clock, nor by a source that has nothing yet",
    marbles((m) => {
      const bus = marbleBus(m.scheduler);
      bus.attach(speakerDevice({ uacVersion: 2, clockLock: Infinity }));
      const other = marbleBus(m.scheduler);
      other.attach(new AudioDevice({ speed: "full", feedback: "implicit" }));
      const stop = m.cold("---x");

      m.expect(of(samples(480)).pipe(speaker(bus, {}, { stop }))).toBeObservable("---|");
      m.expect(NEVER.pipe(speaker(other, audioIds, { stop }))).toBeObservable("   ---|");
      m.flush();
      expectClean(bus);
      expectClean(other);
    }),
  );

  it("can come out of the very iterable that is pulled from, which is told that it is over", async () => {
    for (const from of [1, 2, 9]) {
      const { device, bus, transport } = lab();
      const stop = new Subject<void>();
      let pulls = 0;
      let isEnded = false;
      const pulling = () => {
        if (++pulls === from) stop.next();
      };
      const source = of(endless(pulling, () => (isEnded = true)));
      const played = await lastValueFrom(source.pipe(speaker(transport, audioIds, { latency: 4, stop }), toArray()));
      const told = played.reduce((sum, { results }) => sum + results.bytesTransferred, 0);
      expect(told).toBe(device.speaker.received * frameSize);
      expect(told).toBe((from - 1) * 48 * frameSize);
      expect(pulls).toBe(from);
      expect(isEnded).toBe(true);
      expectClean(bus, transport);
    }
  });

  it("can come out of an asynchronous one that is pulled ahead", async () => {
    const { device, bus, transport } = lab();
    const stop = new Subject<void>();
    let isEnded = false;
    async function* ahead(): AsyncGenerator<Uint8Array, void> {
      try {
        stop.next();
        await soon();
        yield samples(48);
      } finally {
        isEnded = true;
      }
    }
    const played = of(ahead()).pipe(speaker(transport, audioIds, { stop }), toArray());
    expect(await lastValueFrom(played)).toStrictEqual([]);
    await vi.waitUntil(() => isEnded);
    expect(device.speaker.received).toBe(0);
    await soon();
    expectClean(bus, transport);
  });

  it("can come while an iterable is begun, which is told that it is over", async () => {
    const { device, bus, transport } = lab();
    const stop = new Subject<void>();
    const ended = vi.fn();
    const begun = () => {
      stop.next();
    };
    const played = of(resource({ begun, ended })).pipe(speaker(transport, audioIds, { stop }), toArray());
    expect(await lastValueFrom(played)).toStrictEqual([]);
    expect(ended).toHaveBeenCalledOnce();
    expect(device.speaker.received).toBe(0);
    expectClean(bus, transport);
  });

  it.each<[what: string, end: (stop: () => void, unsubscribe: () => void) => void]>([
    [
      "it",
      (stop) => {
        stop();
      },
    ],
    [
      "an unsubscribe",
      (_, unsubscribe) => {
        unsubscribe();
      },
    ],
  ])("and iterables that wait: they are told by %s that nobody wants them", async (_, end) => {
    for (const when of ["at once", "behind the first"]) {
      const { bus, transport } = lab();
      const stop = new Subject<void>();
      const ended = vi.fn();
      const broken: Iterable<Uint8Array> = {
        [Symbol.iterator]: () => {
          throw new Error("not begun");
        },
      };
      const each = (name: string) => resource({ ended: () => ended(name) as unknown });
      await new Promise<void>((resolve) => {
        const act = () => {
          end(
            () => {
              stop.next();
            },
            () => {
              subscription.unsubscribe();
              resolve();
            },
          );
        };
        const subscription = of(each("first"), broken, each("second"), each("third"))
          .pipe(speaker(transport, audioIds, { stop }))
          .subscribe({ next: act, complete: resolve });
        if (when === "at once") act();
      });
      expect(ended.mock.calls.flat()).toStrictEqual(["first", "second", "third"]);
      await soon();
      expectClean(bus, transport);
    }
  });

  it("completes at once while the pipe opens, whatever comes of that", async () => {
    const { device, bus, transport } = lab({ refusesRate: true });
    const stop = new Subject<void>();
    whilePipeOpens(device, () => {
      stop.next();
    });
    const played = of(samples(480)).pipe(speaker(transport, audioIds, { stop }), toArray());
    expect(await lastValueFrom(played)).toStrictEqual([]);
    await soon();
    expectClean(bus, transport);
  });

  it("does not hide that the source had errored, while a pipe opens or a clock locks", async () => {
    const { device, bus } = lab();
    const locking = new VirtualBus({ devices: [speakerDevice({ uacVersion: 2, clockLock: Infinity })] });
    const stop = new Subject<void>();
    const source = throwError(() => new Error("no samples"));
    whilePipeOpens(device, () => {
      stop.next();
    });
    for (const transport of [bus, locking]) {
      const outcome = lastValueFrom(source.pipe(speaker(transport, {}, { stop }), toArray()));
      if (transport === locking) stop.next();
      await expect(outcome).rejects.toThrow("no samples");
      await soon();
      expectClean(transport);
    }
  });

  it.each(["transport", "device"])("leaves it closing before anybody hears of it: on a %s", async (what) => {
    for (const feedback of ["none", "explicit", "implicit"] as const) {
      for (const source of [NEVER, of(countingSamples(48_000))]) {
        const { bus, transport } = lab({ feedback });
        let opened: UsbDevice | undefined;
        const subscription =
          what === "device" ? openDevice(transport, audioIds).subscribe((each) => (opened = each)) : undefined;
        const stop = new Subject<void>();
        const outcome = new Promise((resolve) => {
          const again = () => {
            of(samples(480))
              .pipe(speaker(opened ?? transport, audioIds))
              .subscribe({
                error: resolve,
                complete: () => {
                  resolve("complete");
                },
              });
          };
          source.pipe(speaker(opened ?? transport, audioIds, { stop })).subscribe({
            next: () => {
              stop.next();
            },
            error: resolve,
            complete: again,
          });
        });
        await new Promise((resolve) => setTimeout(resolve, 0));
        stop.next();
        expect(await outcome).toBe("complete");
        subscription?.unsubscribe();
        await new Promise((resolve) => setTimeout(resolve, 0));
        expectClean(bus, transport);
      }
    }
  });

  it("… nor does it leave a clock taken that it waited for", async () => {
    const bus = new VirtualBus({
      devices: [speakerDevice({ uacVersion: 2, clockLock: Infinity })],
      clock: unpacedClock(),
    });
    const device = await new Promise<UsbDevice>((resolve) => openDevice(bus, {}).subscribe(resolve));
    const stop = new Subject<void>();
    const other = of(samples(480)).pipe(speaker(device, {}, { sampleRate: 44_100, clockTimeout: 0 }));
    let outcome: Promise<unknown> | undefined;
    of(samples(480))
      .pipe(speaker(device, {}, { stop }))
      .subscribe({
        complete: () => {
          outcome = lastValueFrom(other).catch((error: unknown) => plain(error));
        },
      });
    stop.next();
    expect(await outcome).toMatchObject({ code: "clock-invalid" });
    await lastValueFrom(device.close(), { defaultValue: undefined });
    expectClean(bus);
  });

  it("changes nothing where it completes, and passes its error on", async () => {
    const { device, bus, transport } = lab();
    const play = (stop: Observable<unknown>) =>
      lastValueFrom(of(samples(480)).pipe(speaker(transport, audioIds, { stop }), toArray()));
    await play(EMPTY);
    expect(device.speaker.received).toBe(480);
    await expect(play(throwError(() => new Error("no stop")))).rejects.toThrow("no stop");
    expectClean(bus, transport);
  });
});
