import { Readable } from "node:stream";
import {
  catchError,
  concat,
  defer,
  EMPTY,
  firstValueFrom,
  from,
  lastValueFrom,
  map,
  NEVER,
  of,
  Subject,
  take,
  throwError,
  toArray,
} from "rxjs";
import { describe, expect, it } from "vitest";
import {
  microphone,
  speaker,
  type PcmSource,
  type Played,
  type SpeakerOptions,
} from "../../../operators/media/index.js";
import { openDevice, type IsochTransport, type UsbDevice } from "../../../src/index.js";
import { realTimeClock, speakerDevice, unpacedClock, VirtualBus } from "../../../transports/virtual/index.js";
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
import { failure, plain, plainErrors, thrown } from "../../support/plain-error.js";
import { strictTransport } from "../../support/strict-transport.js";

function lab(options: Partial<AudioDeviceOptions> = {}) {
  const device = new AudioDevice({ speed: "full", feedback: "none", ...options });
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  return { device, bus, transport: strictTransport(bus) };
}

/** Samples that count up, in one piece. */
function samples(count: number, first = 0): Uint8Array {
  return Buffer.concat([...countingSamples(count, first)]);
}

async function failed(transport: IsochTransport | UsbDevice, options: SpeakerOptions, ...sources: PcmSource[]) {
  return lastValueFrom(from(sources).pipe(speaker(transport, audioIds, options), toArray())).then(
    () => "nothing",
    (error: unknown) => plain(error),
  );
}

/** A transfer in a few words. */
function inWords({ results, silence, sampleRate, feedback }: Played): string {
  return `${results.firstFrame}: ${results.bytesTransferred / frameSize} samples, ${silence} silent, ${sampleRate} Hz, ${feedback}`;
}

describe("speaker", () => {
  it(
    "plays what is pulled at the pace of the bus, and completes when it is played",
    marbles((m) => {
      const device = new AudioDevice({ speed: "full", feedback: "none" });
      const bus = marbleBus(m.scheduler);
      bus.attach(device);
      const pulled: number[] = [];
      const source = m.cold<PcmSource>("-(a|)", {
        a: (function* () {
          for (let i = 0; i < 4; i++) {
            pulled.push(m.scheduler.frame);
            yield samples(44, 44 * i);
          }
        })(),
      });
      const expected = "        --abc(d|)";
      const played = source.pipe(speaker(bus, audioIds, { sampleRate: 44_100, latency: 2 }), map(inWords));

      m.expect(played).toBeObservable(expected, {
        a: "1: 44 samples, 0 silent, 44100 Hz, none",
        b: "2: 44 samples, 0 silent, 44100 Hz, none",
        c: "3: 44 samples, 0 silent, 44100 Hz, none",
        d: "4: 44 samples, 0 silent, 44100 Hz, none",
      });
      m.expect(source).toHaveSubscriptions("^!");
      m.flush();
      // Two are in flight, and the next is pulled when one has been played.
      expect(pulled).toStrictEqual([1, 1, 2, 3]);
      expectClean(bus);
    }),
  );

  it("opens, sets the rate and gives back in order: UAC 1.0 once the alternate setting is selected", async () => {
    const { device, bus, transport } = lab({ feedback: "explicit" });
    await lastValueFrom(of(samples(960)).pipe(speaker(transport, audioIds)));
    expect(device.log).toStrictEqual(["interface 1, alternate 1", "rate 48000", "interface 1, alternate 0"]);
    expectClean(bus, transport);
  });

  it("… UAC 2.0 before that", async () => {
    const { device, bus, transport } = lab({ speed: "high", feedback: "implicit" });
    await lastValueFrom(of(samples(960)).pipe(speaker(transport, audioIds)));
    expect(device.log.slice(0, 3)).toStrictEqual([
      "rate 48000",
      "interface 1, alternate 1",
      "interface 2, alternate 1",
    ]);
    expect(device.log.slice(3).sort()).toStrictEqual(["interface 1, alternate 0", "interface 2, alternate 0"]);
    expectClean(bus, transport);
  });

  it.each<[string, SpeakerOptions, Partial<AudioDeviceOptions>, object]>([
    [
      "no such format",
      { channels: 6 },
      {},
      failure(
        "EndpointError",
        "no-such-format",
        "6 channels",
        "interface 1.1 (speaker): 2 channels of 16 bits",
        "48000",
      ),
    ],
    [
      "no such rate",
      { sampleRate: 96_000 },
      {},
      failure("EndpointError", "no-such-format", "96000 Hz", "44100, 48000 Hz"),
    ],
    [
      "no such rate, says the clock",
      { sampleRate: 32_000 },
      { speed: "high" },
      failure("EndpointError", "no-such-format", "32000 Hz", "44100, 48000 Hz"),
    ],
    ["a rate that is refused", {}, { refusesRate: true }, failure("DeviceError", "rate-refused", "48000 Hz")],
    [
      "a rate that is refused by the clock",
      {},
      { speed: "high", refusesRate: true },
      failure("DeviceError", "rate-refused", "48000 Hz"),
    ],
  ])("errors, and leaves nothing open: %s", async (_, options, device, error) => {
    const { bus, transport } = lab(device);
    expect(await failed(transport, options, samples(48))).toStrictEqual(error);
    expectClean(bus, transport);
  });

  it("changes a clock that is not valid, or errors, and leaves nothing open", async () => {
    const device = speakerDevice({ uacVersion: 2, externalClock: true });
    const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
    const transport = strictTransport(bus);
    const play = (options: SpeakerOptions) =>
      lastValueFrom(of(samples(4800)).pipe(speaker(transport, {}, { clockTimeout: 0, ...options }))).catch(plain);
    expect(await play({ clock: "keep" })).toStrictEqual(
      failure("DeviceError", "clock-invalid", "external clock 11", "connect the signal"),
    );
    expectClean(bus, transport);
    expect(await play({})).toMatchObject({ feedback: "explicit", silence: 0 });
    expect(device.statistics).toMatchObject({ samples: 4800, overruns: 0 });
    expectClean(bus, transport);
  });

  it("completes with a source that has nothing, and errors with one that does, and leaves nothing open", async () => {
    const { device, bus, transport } = lab();
    const play = (source: PcmSource[]) => lastValueFrom(from(source).pipe(speaker(transport, audioIds), toArray()));
    expect(await play([])).toStrictEqual([]);
    expect(await play([new Uint8Array(0), []])).toStrictEqual([]);
    const broken = throwError(() => new Error("broken")).pipe(speaker(transport, audioIds), plainErrors());
    await expect(lastValueFrom(broken)).rejects.toMatchObject({ message: "Error: broken" });
    expect(device.speaker.received).toBe(0);
    expectClean(bus, transport);
  });

  it.each(["explicit", "implicit"] as const)(
    "completes with a source that has nothing, %s feedback",
    async (feedback) => {
      const { bus, transport } = lab({ feedback });
      const play = (source: PcmSource[]) => lastValueFrom(from(source).pipe(speaker(transport, audioIds), toArray()));
      expect(await play([])).toStrictEqual([]);
      expect(await play([new Uint8Array(0), []])).toStrictEqual([]);
      expectClean(bus, transport);
    },
  );

  it("is refused another rate while a stream runs on its clock, which goes on, and has it then", async () => {
    const device = speakerDevice({ uacVersion: 2 });
    const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
    const opened = await new Promise<UsbDevice>((resolve) => void openDevice(bus, {}).subscribe(resolve));
    const play = (sampleRate: number, ...pieces: PcmSource[]) =>
      lastValueFrom(from(pieces).pipe(speaker(opened, {}, { sampleRate }), toArray())).catch(plain);
    const source = new Subject<PcmSource>();
    const first = lastValueFrom(source.pipe(speaker(opened, {}, { sampleRate: 44_100 }), toArray()));
    source.next(samples(4410));
    const busy = failure("BusyError", "interface-busy", "44100 Hz", "end the other first");
    expect(await play(48_000, samples(480))).toStrictEqual(busy);
    expect(device.sampleRate).toBe(44_100);
    source.complete();
    expect(await first).not.toHaveLength(0);
    expect(await play(48_000, samples(480))).not.toHaveLength(0);
    expect(device.sampleRate).toBe(48_000);
    await lastValueFrom(opened.close(), { defaultValue: undefined });
    expectClean(bus);
  });

  it("plays every sample in order, pushed and pulled, in pieces that split samples", async () => {
    const { device, bus } = lab();
    const whole = samples(5000);
    const pieces = [whole.subarray(0, 1), whole.subarray(1, 4002), whole.subarray(4002, 9003)];
    function* rest() {
      for (let at = 9003; at < whole.length; at += 777) yield whole.subarray(at, at + 777);
    }
    const played = await lastValueFrom(from<PcmSource[]>([...pieces, rest()]).pipe(speaker(bus, audioIds), toArray()));
    expect(device.speaker).toMatchObject({ received: 5000, mismatches: 0 });
    expect(played.reduce((sum, { silence }) => sum + silence, 0)).toBe(0);
    expectClean(bus);
  });

  it("sends empty packets where fewer samples than microframes are due", async () => {
    const device = new AudioDevice({ speed: "high", feedback: "none", sampleRates: [8000, 2000] });
    const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
    const transport = strictTransport(bus);
    const options = { sampleRate: 2000, latency: 1 };
    const played = await lastValueFrom(of(samples(7)).pipe(speaker(transport, audioIds, options), toArray()));
    const packets = played.flatMap(({ results }) => Array.from(results.actual, (bytes) => bytes / frameSize));
    expect(packets.slice(0, 8)).toStrictEqual([0, 0, 0, 1, 0, 0, 0, 1]);
    expect(device.speaker).toMatchObject({ received: 7, mismatches: 0 });
    expect(played.reduce((sum, { silence }) => sum + silence, 0)).toBe(0);
    expectClean(bus, transport);
  });

  it("pads the sample that is cut off at the end", async () => {
    const { device, bus } = lab();
    await lastValueFrom(of(samples(101).subarray(0, 402)).pipe(speaker(bus, audioIds)));
    expect(device.speaker).toMatchObject({ received: 101, mismatches: 0 });
    expectClean(bus);
  });

  it("fills in silence where samples are late, and says how much", async () => {
    const { device, bus } = lab();
    const source = new Subject<PcmSource>();
    const played: Played[] = [];
    const done = new Promise((resolve) => {
      source.pipe(speaker(bus, audioIds, { latency: 4 })).subscribe({
        next: (each) => {
          played.push(each);
          if (played.length === 20) source.complete();
        },
        complete: () => {
          resolve(undefined);
        },
      });
    });
    // Nothing goes out before there is something to play.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(bus.audit().submitted).toBe(0);
    source.next(samples(100));
    await done;
    const silent = played.reduce((sum, { silence }) => sum + silence, 0);
    expect(silent).toBeGreaterThan(0);
    expect(device.speaker.received).toBe(100 + silent);
    expect(played[0]).toMatchObject({ silence: 0 });
    expectClean(bus);
  });

  it("or errors, once what is in flight is played", async () => {
    const { device, bus, transport } = lab();
    const late = concat(of(samples(480)), NEVER).pipe(
      speaker(transport, audioIds, { latency: 8, underrun: "error" }),
      toArray(),
    );
    await expect(lastValueFrom(late.pipe(plainErrors()))).rejects.toStrictEqual(
      failure("UnderrunError", "underrun", "push earlier"),
    );
    expect(device.speaker.received).toBeGreaterThan(0);
    expectClean(bus, transport);
  });

  it.each(["transport", "device"])("can be subscribed to again where it has just failed: on a %s", async (what) => {
    for (const feedback of ["none", "explicit", "implicit"] as const) {
      const { bus, transport } = lab({ feedback });
      let opened: UsbDevice | undefined;
      const subscription =
        what === "device" ? openDevice(transport, audioIds).subscribe((d) => (opened = d)) : undefined;
      const outcome = await new Promise((resolve) => {
        const play = (fail: (error: unknown) => void) => {
          concat(of(samples(480)), fail === resolve ? EMPTY : NEVER)
            .pipe(speaker(opened ?? transport, audioIds, { latency: 8, underrun: "error" }))
            .subscribe({
              error: fail,
              complete: () => {
                resolve("complete");
              },
            });
        };
        play(() => {
          play(resolve);
        });
      });
      expect(outcome).toBe("complete");
      subscription?.unsubscribe();
      await new Promise((resolve) => setTimeout(resolve, 0));
      expectClean(bus, transport);
    }
  });

  it("… or its feedback could not be heard, because somebody else hears it", async () => {
    const { bus, transport } = lab({ feedback: "implicit" });
    const device = await new Promise<UsbDevice>((resolve) => openDevice(transport, audioIds).subscribe(resolve));
    const listening = microphone(device, {}).subscribe();
    let refusal: unknown;
    const play = defer(() => of(samples(480)).pipe(speaker(device, {}, { latency: 8 })));
    // Subscribes again from within the handler.
    const again = play.pipe(
      catchError((error: unknown) => {
        refusal = plain(error);
        listening.unsubscribe();
        return play;
      }),
    );
    await lastValueFrom(again, { defaultValue: undefined });
    expect(refusal).toStrictEqual(failure("BusyError", "pipe-busy"));
    await lastValueFrom(device.close(), { defaultValue: undefined });
    expectClean(bus, transport);
  });

  it("plays a Readable to its last byte, and destroys it when nobody wants more", async () => {
    const device = new AudioDevice({ speed: "full", feedback: "explicit", ppm: 100 });
    const bus = new VirtualBus({ devices: [device], clock: realTimeClock() });
    const play = (readable: Readable) =>
      of(readable as AsyncIterable<Uint8Array>).pipe(speaker(bus, audioIds, { latency: 200 }));
    const whole = Readable.from([samples(4000), samples(4000, 4000)]);
    const played = await lastValueFrom(play(whole).pipe(toArray()));
    const silent = played.reduce((sum, { silence }) => sum + silence, 0);
    expect(device.speaker.received).toBe(8000 + silent);

    const endless = Readable.from(
      (function* () {
        for (;;) yield samples(1000);
      })(),
    );
    await lastValueFrom(play(endless).pipe(take(2)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(endless.destroyed).toBe(true);
    expectClean(bus);
  });

  it("begins with as much as goes into flight, where running dry is an error", async () => {
    const { device, bus, transport } = lab();
    const source = new Subject<PcmSource>();
    const outcome = lastValueFrom(
      source.pipe(speaker(transport, audioIds, { latency: 10, underrun: "error" }), toArray()),
    );
    for (let i = 0; i < 4; i++) source.next(samples(100, 100 * i));
    expect(bus.audit().submitted).toBe(0);
    source.next(samples(100, 400));
    expect(bus.audit().submitted).toBeGreaterThan(0);
    source.complete();
    await outcome;
    expect(device.speaker).toMatchObject({ received: 500, mismatches: 0 });
    expectClean(bus, transport);
  });

  it("ends the iterable that it pulls from when the source errors", async () => {
    const { bus, transport } = lab();
    let hasEnded = false;
    function* endless() {
      try {
        for (;;) yield samples(100);
      } finally {
        hasEnded = true;
      }
    }
    const source = new Subject<PcmSource>();
    const outcome = lastValueFrom(source.pipe(speaker(transport, audioIds), toArray())).catch(plain);
    source.next(endless());
    await new Promise((resolve) => setTimeout(resolve, 5));
    source.error(new Error("broken"));
    expect(await outcome).toMatchObject({ message: "Error: broken" });
    expect(hasEnded).toBe(true);
    expectClean(bus, transport);
  });

  it("takes an async iterable that fails for what it is", async () => {
    const { bus, transport } = lab();
    async function* broken() {
      yield samples(10);
      await Promise.resolve();
      throw new Error("torn");
    }
    const error = await failed(transport, {}, broken());
    expect(error).toMatchObject({ message: "Error: torn" });
    expectClean(bus, transport);
  });

  it("heeds feedback, and not what is out of range", async () => {
    const sends = [49, 60, 30, 47.5];
    const heard = async (samplesPerFrame: number) => {
      const value = Math.round(samplesPerFrame * 2 ** 14);
      const bytes = Uint8Array.of(value & 0xff, (value >> 8) & 0xff, value >> 16);
      const { bus } = lab({ feedback: "explicit", sends: () => bytes });
      const played = await lastValueFrom(of(samples(9600)).pipe(speaker(bus, audioIds)));
      expectClean(bus);
      return played.sampleRate;
    };
    // 60 is a quarter too many, 30 three eighths too few; no binary point makes them right.
    expect(await Promise.all(sends.map(heard))).toStrictEqual([49_000, 48_000, 48_000, 47_500]);
  });

  it("what is lost on the bus is told", async () => {
    const device = new AudioDevice({ speed: "full", feedback: "implicit" });
    const bus = new VirtualBus({ clock: unpacedClock() });
    bus.attach(device).inject({ type: "host-stall", frame: 100, frames: 100 });
    const played = await lastValueFrom(of(samples(48_000)).pipe(speaker(bus, audioIds), toArray()));
    expect(played.reduce((sum, { results }) => sum + results.lost, 0)).toBeGreaterThan(50);
    expect(device.speaker).toMatchObject({ received: 48_000, mismatches: 0 });
    expectClean(bus);
  });

  it("ends with a device that is unplugged, after what it has sent", async () => {
    for (const feedback of ["none", "explicit", "implicit"] as const) {
      const device = new AudioDevice({ speed: "full", feedback });
      const bus = new VirtualBus({ clock: unpacedClock() });
      bus.attach(device).inject({ type: "unplug", frame: 1000 });
      let bytes = 0;
      const error = await new Promise((resolve) => {
        of(countingSamples(480_000))
          .pipe(speaker(bus, audioIds))
          .subscribe({
            next: ({ results }) => (bytes += results.bytesTransferred),
            error: (reason: unknown) => {
              resolve(plain(reason));
            },
          });
      });
      expect(error).toStrictEqual(failure("DeviceError", "device-gone"));
      expect(bytes / frameSize).toBe(device.speaker.received);
      expectClean(bus);
    }
  });

  it("closes when it is unsubscribed from, at whatever moment", async () => {
    for (const feedback of ["none", "explicit", "implicit"] as const) {
      for (const count of [0, 1, 2, 7]) {
        const { bus, transport } = lab({ feedback });
        await lastValueFrom(of(countingSamples(48_000)).pipe(speaker(transport, audioIds), take(count), toArray()));
        expectClean(bus, transport);
      }
    }
  });

  it("takes blocks of a microphone on the same device", async () => {
    const { device, bus, transport } = lab({ feedback: "none", ppm: 50 });
    const opened = openDevice(transport, audioIds);
    const device$ = await new Promise<UsbDevice>((resolve) => opened.subscribe(resolve));
    const loop = microphone(device$, {}).pipe(take(50), speaker(device$, {}, { latency: 4 }), toArray());
    const played = await lastValueFrom(loop);
    expect(device.speaker.received).toBeGreaterThan(50 * 380);
    expect(played.length).toBeGreaterThan(0);
    await lastValueFrom(device$.close(), { defaultValue: undefined });
    expectClean(bus, transport);
  });

  it("refuses blocks of another format, what are no samples, and more than wait", async () => {
    const { bus, transport } = lab();
    const block = await firstValueFrom(microphone(transport, audioIds, { sampleRate: 44_100 }));
    expect(await failed(transport, {}, block)).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "48000 Hz", "44100:", "convert"),
    );
    expect(await failed(transport, {}, 7 as unknown as PcmSource)).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "Uint8Arrays", "7"),
    );
    expect(await failed(transport, {}, [7] as unknown as PcmSource)).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "Uint8Arrays", "7"),
    );
    const pieces = Array.from({ length: 4 }, () => samples(10));
    expect(await failed(transport, { backlog: 3 }, ...pieces)).toStrictEqual(
      failure("OverflowError", "backlog-full", "3 pieces"),
    );
    expectClean(bus, transport);
  });

  it.each<[string, object, string]>([
    ["a policy", { underrun: "repeat" }, "underrun"],
    ["no latency", { latency: 0 }, "latency"],
    ["no rate", { sampleRate: 0 }, "sampleRate"],
    ["no backlog", { backlog: 0 }, "backlog"],
    ["no time for a clock", { clockTimeout: -1 }, "clockTimeout"],
    ["a clock", { clock: "none" }, "clock"],
  ])("refuses, at the call: %s", (_, options, part) => {
    const error = thrown(() => speaker(lab().bus, {}, options));
    expect(error).toMatchObject({ class: "InvalidRequestError", message: expect.stringContaining(part) as string });
  });
});
