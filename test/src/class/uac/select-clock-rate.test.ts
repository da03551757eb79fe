import { lastValueFrom, of, throwError, toArray, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  audioFunctions,
  selectClockRate,
  type AudioControlPort,
  type AudioFunction,
  type ClockOptions,
} from "../../../../src/class/uac/index.js";
import { DeviceError, openDevice, type UsbDevice } from "../../../../src/index.js";
import {
  speakerDevice,
  unpacedClock,
  VirtualBus,
  type SpeakerDeviceOptions,
} from "../../../../transports/virtual/index.js";
import { LoggedDevice } from "../../../support/logged-device.js";
import { marbles } from "../../../support/marbles.js";
import { failure, plain, plainErrors, thrown } from "../../../support/plain-error.js";
import { rangeBytes } from "./clocks.js";

/** A speaker that is open, its audio function, and its alternate setting. */
function opened(options: SpeakerDeviceOptions = {}) {
  const model = speakerDevice({ uacVersion: 2, ...options });
  const device = new LoggedDevice(model);
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  let port: UsbDevice | undefined;
  openDevice(bus, {}).subscribe((each) => (port = each));
  if (port === undefined) throw new Error("it did not open");
  const [audio] = audioFunctions(port.configuration);
  const [alternate] = audio?.alternates ?? [];
  if (audio === undefined || alternate === undefined) throw new Error("it has no audio");
  const { log } = device;
  return { model, log, port, audio, alternate };
}

/** A port that answers some requests to the clock itself: CUR of `control` with `answer`, or a STALL. */
function answering(port: AudioControlPort, direction: "in" | "out", control: number, answer?: readonly number[]) {
  const altered: AudioControlPort = {
    controlTransfer: (setup, data) => {
      const isMeant = setup.direction === direction && setup.request === 1 && setup.value >> 8 === control;
      if (!isMeant) return port.controlTransfer(setup, data);
      return answer === undefined
        ? throwError(() => new DeviceError("control-stalled", "no"))
        : of(Uint8Array.from(answer));
    },
  };
  return altered;
}

async function result(work: Observable<unknown>): Promise<unknown> {
  return lastValueFrom(work.pipe(toArray())).catch((error: unknown) => plain(error));
}

/** A port that answers for a clock source which rates it has. */
function withRates(port: AudioControlPort, entity: number, rates: readonly number[]): AudioControlPort {
  const bytes = Uint8Array.from(rangeBytes(...rates));
  return {
    controlTransfer: (setup, data) =>
      setup.request === 2 && setup.index >> 8 === entity ? of(bytes) : port.controlTransfer(setup, data),
  };
}

/** The rates of what is valid. */
const offered = 'the clock 10 ("internal") has 48000, 44100 Hz';
const [k44, k48] = ["68 172 0 0", "128 187 0 0"];
const ranges = ["in 2 10.1", "in 2 10.1"];
const [getRate, getValid] = ["in 1 10.1", "in 1 10.2"];

describe("the rate", () => {
  it("is set by four bytes, checked once the clock is valid, and not set again", async () => {
    const { port, log, model, audio, alternate } = opened();
    expect(await result(selectClockRate(port, audio, alternate, 44_100))).toStrictEqual([]);
    expect(log).toStrictEqual([...ranges, getRate, `out 1 10.1 ${k44}`, getValid, getRate]);
    expect(model.sampleRate).toBe(44_100);
    log.length = 0;
    expect(await result(selectClockRate(port, audio, alternate, 44_100))).toStrictEqual([]);
    expect(log).toStrictEqual([...ranges, getRate, getValid]);
  });

  it("is set, and taken at its word, where it does not tell", async () => {
    const { port, model, audio, alternate } = opened();
    expect(await result(selectClockRate(answering(port, "in", 1), audio, alternate, 44_100))).toStrictEqual([]);
    expect(model.sampleRate).toBe(44_100);
  });

  it("is set, and taken at its word, where it is told to be 0", async () => {
    const { port, model, audio, alternate } = opened();
    const mute = answering(port, "in", 1, [0, 0, 0, 0]);
    expect(await result(selectClockRate(mute, audio, alternate, 44_100))).toStrictEqual([]);
    expect(model.sampleRate).toBe(44_100);
  });

  it("is refused with the rates there are: one that it does not have", async () => {
    const { port, log, audio, alternate } = opened();
    expect(await result(selectClockRate(port, audio, alternate, 96_000))).toStrictEqual(
      failure("EndpointError", "no-such-format", "96000", "48000, 44100 Hz"),
    );
    expect(log).toStrictEqual(ranges);
  });

  it("… one that it does not take", async () => {
    const { port, audio, alternate } = opened();
    expect(await result(selectClockRate(answering(port, "out", 1), audio, alternate, 44_100))).toStrictEqual(
      failure("DeviceError", "rate-refused", "refuses", "44100", "48000, 44100 Hz"),
    );
  });

  it("… one that it only seems to take", async () => {
    const { port, audio, alternate } = opened();
    const stubborn = answering(port, "in", 1, [0x80, 0xbb, 0, 0]);
    expect(await result(selectClockRate(stubborn, audio, alternate, 44_100))).toStrictEqual(
      failure("DeviceError", "rate-refused", "runs at 48000 Hz", "48000, 44100 Hz"),
    );
  });

  it("… one of a clock that cannot be set", async () => {
    const { port, log, audio, alternate } = opened();
    const fixed: AudioFunction = { ...audio, entities: audio.entities.map((e) => ({ ...e, isProgrammable: false })) };
    expect(await result(selectClockRate(port, fixed, alternate, 48_000))).toStrictEqual([]);
    expect(await result(selectClockRate(port, fixed, alternate, 44_100))).toStrictEqual(
      failure("DeviceError", "rate-refused", "runs at 48000 Hz"),
    );
    expect(log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
  });

  it("of a clock with one rate is not set", async () => {
    const { port, log, audio, alternate } = opened({ sampleRates: [44_100] });
    expect(await result(selectClockRate(port, audio, alternate, 44_100))).toStrictEqual([]);
    expect(log).toStrictEqual([...ranges, getRate, getValid]);
  });
});

describe("the clock", () => {
  it(
    "that locks is asked ten times a second until it is valid",
    marbles((m) => {
      const { port, log, audio, alternate } = opened({ clockLock: 3 });
      m.expect(selectClockRate(port, audio, alternate, 44_100)).toBeObservable("300ms |");
      m.flush();
      expect(log.filter((request) => request === getValid)).toHaveLength(4);
      // The rate is looked at when it is.
      expect(log.at(-1)).toBe(getRate);
    }),
  );

  it.each<[options: ClockOptions, after: string, asked: number, words: string]>([
    [{}, "5000ms #", 51, "for 5000 ms"],
    [{ clockTimeout: 250 }, "250ms #", 4, "for 250 ms"],
    [{ clockTimeout: 0, clock: "keep" }, "#", 1, "for 0 ms"],
  ])("that never does fails with its name: %o", (options, after, asked, words) => {
    marbles((m) => {
      const { port, log, audio, alternate } = opened({ clockLock: Infinity });
      const error = failure("DeviceError", "clock-invalid", 'clock 10 ("internal")', words, "clockTimeout", "'any'");
      const set = selectClockRate(port, audio, alternate, 44_100, options).pipe(plainErrors());
      m.expect(set).toBeObservable(after, undefined, error);
      m.flush();
      // Once more where it could be switched, and found nothing better.
      expect(log.filter((request) => request === getValid)).toHaveLength(asked + (options.clock === "keep" ? 0 : 1));
    })();
  });

  it("is left in the middle of that where nobody waits any more", () => {
    marbles((m) => {
      const { port, log, audio, alternate } = opened({ clockLock: Infinity });
      m.expect(selectClockRate(port, audio, alternate, 44_100), "^ 249ms !").toBeObservable("-");
      m.flush();
      expect(log.filter((request) => request === getValid)).toHaveLength(3);
    })();
  });

  it("without the control, or with one that stalls, is taken to be valid", async () => {
    const { port, log, audio, alternate } = opened({ clockLock: Infinity });
    expect(await result(selectClockRate(answering(port, "in", 2), audio, alternate, 44_100))).toStrictEqual([]);
    const mute: AudioFunction = { ...audio, entities: audio.entities.map((e) => ({ ...e, hasValidity: false })) };
    expect(await result(selectClockRate(port, mute, alternate, 48_000))).toStrictEqual([]);
    expect(log).not.toContain(getValid);
  });

  it("is not asked where any will do", async () => {
    const { port, log, audio, alternate } = opened({ clockLock: Infinity });
    expect(await result(selectClockRate(port, audio, alternate, 44_100, { clock: "any" }))).toStrictEqual([]);
    expect(log).not.toContain(getValid);
  });

  it("that nothing is connected to is changed for one that is valid, at once", async () => {
    const { port, log, model, audio, alternate } = opened({ externalClock: true });
    expect(await result(selectClockRate(port, audio, alternate, 44_100))).toStrictEqual([]);
    expect(log).toStrictEqual([
      ...["in 1 12.1", "in 1 11.2"],
      ...["in 1 12.1", "in 1 11.2", getValid, ...ranges, "out 1 12.1 2", "in 1 12.1"],
      ...[...ranges, getRate, `out 1 10.1 ${k44}`, getValid, getRate],
    ]);
    expect(model.sampleRate).toBe(44_100);
    // It stays so.
    log.length = 0;
    expect(await result(selectClockRate(port, audio, alternate, 48_000))).toStrictEqual([]);
    expect(log).toStrictEqual(["in 1 12.1", ...ranges, getRate, `out 1 10.1 ${k48}`, getValid, getRate]);
  });

  it("… not for one that does not have the rate: that is told, and nothing is set", async () => {
    const { port, log, audio, alternate } = opened({ externalClock: true });
    expect(await result(selectClockRate(port, audio, alternate, 32_000))).toStrictEqual(
      failure("EndpointError", "no-such-format", "no clock that is valid has 32000 Hz", offered),
    );
    expect(log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
  });

  it("… and is waited for where it could have the rate", () => {
    marbles((m) => {
      const { port, log, audio, alternate } = opened({ externalClock: true });
      const better = withRates(port, 11, [32_000]);
      const set = selectClockRate(better, audio, alternate, 32_000).pipe(plainErrors());
      const words = ['external clock 11 ("word clock")', "connect the signal", "or choose a rate", offered];
      m.expect(set).toBeObservable("5000ms #", undefined, failure("DeviceError", "clock-invalid", ...words));
      m.flush();
      expect(log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
    })();
  });

  it("… as is what has no pin selected", async () => {
    const { port, log, audio, alternate } = opened({ externalClock: true });
    const unset: AudioControlPort = {
      controlTransfer: (setup, data) =>
        setup.index >> 8 === 12 ? of(Uint8Array.of(0)) : port.controlTransfer(setup, data),
    };
    expect(await result(selectClockRate(unset, audio, alternate, 32_000))).toStrictEqual(
      failure("EndpointError", "no-such-format", "no clock that is valid has 32000 Hz", offered),
    );
    expect(log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
  });

  it("is found behind a selector that has none of its pins selected, or is the device's fault", async () => {
    const { port, log, model, audio, alternate } = opened({ externalClock: true });
    let isSet = false;
    const unset: AudioControlPort = {
      controlTransfer: (setup, data) => {
        const isSelector = setup.index >> 8 === 12 && setup.request === 1;
        if (isSelector && setup.direction === "out") isSet = true;
        return isSelector && !isSet ? of(Uint8Array.of(0)) : port.controlTransfer(setup, data);
      },
    };
    expect(await result(selectClockRate(unset, audio, alternate, 44_100, { clock: "keep" }))).toStrictEqual(
      failure("DescriptorError", "bad-descriptor", "leads to no clock source"),
    );
    expect(log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
    expect(await result(selectClockRate(unset, audio, alternate, 44_100))).toStrictEqual([]);
    expect(log).toContain("out 1 12.1 2");
    expect(model.sampleRate).toBe(44_100);
  });

  it.each<[what: string, device: SpeakerDeviceOptions, options: ClockOptions]>([
    ["it is to be kept", {}, { clock: "keep" }],
    ["no other is valid", { clockLock: Infinity }, {}],
  ])("… and named where %s", async (_, device, options) => {
    const { port, log, audio, alternate } = opened({ externalClock: true, ...device });
    const set = selectClockRate(port, audio, alternate, 44_100, { clockTimeout: 0, ...options });
    expect(await result(set)).toStrictEqual(
      failure("DeviceError", "clock-invalid", 'external clock 11 ("word clock")', "connect the signal"),
    );
    expect(log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
  });

  it("… nor where the selector cannot be set", async () => {
    const { port, log, audio, alternate } = opened({ externalClock: true });
    const fixed: AudioFunction = { ...audio, entities: audio.entities.map((e) => ({ ...e, isProgrammable: false })) };
    expect(await result(selectClockRate(port, fixed, alternate, 44_100, { clockTimeout: 0 }))).toMatchObject({
      code: "clock-invalid",
    });
    expect(log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
  });

  it.each<ClockOptions>([{ clock: "best" as "any" }, { clockTimeout: -1 }, { clockTimeout: Infinity }])(
    "%o are refused, at the call",
    (options) => {
      const { port, audio, alternate } = opened();
      expect(thrown(() => selectClockRate(port, audio, alternate, 44_100, options))).toMatchObject({
        class: "InvalidRequestError",
      });
    },
  );
});
