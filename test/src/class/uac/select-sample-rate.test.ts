import { lastValueFrom, of, throwError, toArray, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  audioFunctions,
  readSampleRates,
  selectClockRate,
  selectEndpointRate,
  type AudioControlPort,
  type AudioFunction,
} from "../../../../src/class/uac/index.js";
import { DeviceError, openDevice, parseConfigurationDescriptor, type UsbDevice } from "../../../../src/index.js";
import { unpacedClock, VirtualBus } from "../../../../transports/virtual/index.js";
import * as fixtures from "../../../fixtures/descriptors/index.js";
import { AudioDevice, type AudioDeviceOptions } from "../../../support/audio-device.js";
import { failure, plain } from "../../../support/plain-error.js";

/** A device that is open, its audio function, and its speaker. */
function opened(options: Partial<AudioDeviceOptions> = {}) {
  const device = new AudioDevice({ speed: "full", feedback: "none", ...options });
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  let port: UsbDevice | undefined;
  openDevice(bus, {}).subscribe((each) => (port = each));
  if (port === undefined) throw new Error("it did not open");
  const [audio] = audioFunctions(port.configuration);
  const [alternate] = audio?.alternates ?? [];
  if (audio === undefined || alternate === undefined) throw new Error("it has no audio");
  return { device, port, audio, alternate };
}

async function result(work: Observable<unknown>): Promise<unknown> {
  return lastValueFrom(work.pipe(toArray())).catch((error: unknown) => plain(error));
}

const both = [
  { min: 44_100, max: 44_100, step: 0 },
  { min: 48_000, max: 48_000, step: 0 },
];

describe("UAC 1.0", () => {
  it("has its rates in the descriptor", async () => {
    const { port, audio, alternate } = opened();
    expect(await result(readSampleRates(port, audio, alternate))).toStrictEqual([both]);
  });

  it("is set by three bytes, and asked whether it runs at that", async () => {
    const { port, device, alternate } = opened();
    expect(await result(selectEndpointRate(port, alternate, 44_100))).toStrictEqual([]);
    expect(device.log).toStrictEqual(["rate 44100"]);
  });

  it("is set whatever it says within a thousandth", async () => {
    const { port, alternate } = opened({ tellsRate: 44_099 });
    expect(await result(selectEndpointRate(port, alternate, 44_100))).toStrictEqual([]);
  });

  it("is refused with the rates there are: one that it does not have", async () => {
    const { port, device, alternate } = opened();
    expect(await result(selectEndpointRate(port, alternate, 96_000))).toStrictEqual(
      failure("EndpointError", "no-such-format", "interface 1", "96000", "44100, 48000 Hz"),
    );
    expect(device.log).toStrictEqual([]);
  });

  it("… one that it does not take", async () => {
    const { port, alternate } = opened({ refusesRate: true });
    expect(await result(selectEndpointRate(port, alternate, 44_100))).toStrictEqual(
      failure("DeviceError", "rate-refused", "refuses", "44100", "44100, 48000 Hz"),
    );
  });

  it("… one that it only seems to take", async () => {
    const { port, alternate } = opened({ tellsRate: 48_000 });
    expect(await result(selectEndpointRate(port, alternate, 44_100))).toStrictEqual(
      failure("DeviceError", "rate-refused", "runs at 48000 Hz", "44100, 48000 Hz"),
    );
  });

  it("does not ask an endpoint without the control, and takes one at its word that does not tell", async () => {
    const { alternate } = opened();
    const asked: string[] = [];
    const mute: AudioControlPort = {
      controlTransfer: ({ direction }) => {
        asked.push(direction);
        return direction === "out" ? of(new Uint8Array(0)) : throwError(() => new DeviceError("control-stalled", "no"));
      },
    };
    expect(await result(selectEndpointRate(mute, { ...alternate, hasRateControl: false }, 48_000))).toStrictEqual([]);
    expect(asked).toStrictEqual([]);
    expect(await result(selectEndpointRate(mute, alternate, 48_000))).toStrictEqual([]);
    expect(asked).toStrictEqual(["out", "in"]);
  });

  it("takes one at its word that says 0", async () => {
    const { port, alternate } = opened({ tellsRate: 0 });
    expect(await result(selectEndpointRate(port, alternate, 44_100))).toStrictEqual([]);
  });

  it("passes on what is no refusal", async () => {
    const { alternate } = opened();
    const gone: AudioControlPort = { controlTransfer: () => throwError(() => new DeviceError("device-gone", "away")) };
    expect(await result(selectEndpointRate(gone, alternate, 48_000))).toStrictEqual(
      failure("DeviceError", "device-gone", "away"),
    );
  });
});

describe("UAC 2.0", () => {
  const high = { speed: "high" } as const;

  it("has its rates in its clock", async () => {
    const { port, audio, alternate } = opened(high);
    expect(await result(readSampleRates(port, audio, alternate))).toStrictEqual([both]);
  });

  it("is set by four bytes, and not again", async () => {
    const { port, device, audio, alternate } = opened(high);
    expect(await result(selectClockRate(port, audio, alternate, 48_000))).toStrictEqual([]);
    expect(await result(selectClockRate(port, audio, alternate, 48_000))).toStrictEqual([]);
    expect(device.log).toStrictEqual(["rate 48000"]);
  });

  it("is set, and taken at its word, where it does not tell", async () => {
    const { port, device, audio, alternate } = opened(high);
    const mute: AudioControlPort = {
      controlTransfer: (setup, data) =>
        setup.direction === "in" && setup.request === 1
          ? throwError(() => new DeviceError("control-stalled", "no"))
          : port.controlTransfer(setup, data),
    };
    expect(await result(selectClockRate(mute, audio, alternate, 44_100))).toStrictEqual([]);
    expect(device.log).toStrictEqual(["rate 44100"]);
  });

  it.each<[string, Partial<AudioDeviceOptions>, number, ReturnType<typeof failure>]>([
    ["one that it does not have", {}, 96_000, failure("EndpointError", "no-such-format", "96000", "44100, 48000 Hz")],
    [
      "one that it does not take",
      { refusesRate: true },
      44_100,
      failure("DeviceError", "rate-refused", "44100, 48000"),
    ],
    [
      "one that it only seems to take",
      { tellsRate: 48_000 },
      44_100,
      failure("DeviceError", "rate-refused", "runs at 48000 Hz", "44100, 48000 Hz"),
    ],
  ])("is refused with the rates there are: %s", async (_, options, rate, expected) => {
    const { port, audio, alternate } = opened({ ...high, ...options });
    expect(await result(selectClockRate(port, audio, alternate, rate))).toStrictEqual(expected);
  });

  it("… one of a clock that cannot be set", async () => {
    const { port, device, audio, alternate } = opened(high);
    const fixed: AudioFunction = { ...audio, entities: audio.entities.map((e) => ({ ...e, isProgrammable: false })) };
    device.sampleRate = 44_100;
    expect(await result(selectClockRate(port, fixed, alternate, 44_100))).toStrictEqual([]);
    expect(await result(selectClockRate(port, fixed, alternate, 48_000))).toStrictEqual(
      failure("DeviceError", "rate-refused", "runs at 44100 Hz"),
    );
  });

  /** Entities by their answers to GET: `entity.control` to bytes. */
  function clocked(answers: Readonly<Record<string, readonly number[]>>) {
    const asked: string[] = [];
    const port: AudioControlPort = {
      controlTransfer: ({ direction, request, value, index }, data) => {
        const what = `${index >> 8}.${value >> 8}`;
        asked.push(`${direction} ${request} ${what}${typeof data === "number" ? "" : ` ${[...data].join(" ")}`}`);
        return of(direction === "out" ? new Uint8Array(0) : Uint8Array.from(answers[what] ?? []));
      },
    };
    return { port, asked };
  }

  const entity = { terminalType: undefined, clock: undefined, isProgrammable: true };
  const entities = [
    { ...entity, kind: "clock-source", id: 1, sources: [] },
    { ...entity, kind: "clock-source", id: 2, sources: [] },
    { ...entity, kind: "clock-multiplier", id: 3, sources: [2] },
    { ...entity, kind: "clock-selector", id: 4, sources: [1, 3] },
    { ...entity, kind: "clock-selector", id: 5, sources: [5, 5] },
  ] as const;
  const audio = { controlInterface: 0, entities };
  const { alternate } = opened(high);

  it("goes through the pin of a selector that is selected, and through multipliers", async () => {
    const range = [1, 0, 0x80, 0xbb, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0, 0];
    const { port, asked } = clocked({ "4.1": [2], "3.1": [2, 0], "3.2": [1, 0], "2.1": range });
    expect(await result(readSampleRates(port, audio, { ...alternate, clock: 4 }))).toStrictEqual([
      [{ min: 96_000, max: 96_000, step: 0 }],
    ]);
    expect(asked).toStrictEqual(["in 1 4.1", "in 1 3.1", "in 1 3.2", "in 2 2.1", "in 2 2.1"]);
  });

  it.each<[string, number, Readonly<Record<string, readonly number[]>>]>([
    ["an entity that is not there", 9, {}],
    ["a pin that is not there", 4, { "4.1": [3] }],
    ["a circle", 5, { "5.1": [1] }],
    ["a multiplier by nothing", 3, { "3.1": [0, 0], "3.2": [1, 0] }],
    ["a selector that answers nothing", 4, {}],
  ])("errors where the clock leads to %s", async (_, clock, answers) => {
    expect(await result(readSampleRates(clocked(answers).port, audio, { ...alternate, clock }))).toStrictEqual(
      failure("DescriptorError", "bad-descriptor", `entity ${clock}`),
    );
  });

  it("takes a range that is cut off, or none, as far as it goes", async () => {
    const range = (bytes: readonly number[]) =>
      result(readSampleRates(clocked({ "1.1": bytes }).port, audio, { ...alternate, clock: 1 }));
    const one = [0x44, 0xac, 0, 0, 0, 0xee, 2, 0, 100, 0, 0, 0];
    expect(await range([])).toStrictEqual([[]]);
    expect(await range([2, 0, ...one])).toStrictEqual([[{ min: 44_100, max: 192_000, step: 100 }]]);
    expect(await range([2, 0, ...one, ...one.slice(0, 11)])).toStrictEqual([
      [{ min: 44_100, max: 192_000, step: 100 }],
    ]);
  });

  it("finds the clock source of a real device", async () => {
    const [scarlett] = audioFunctions(parseConfigurationDescriptor(fixtures.focusriteScarlett2i2.configuration));
    const [speaker] = scarlett?.alternates ?? [];
    if (scarlett === undefined || speaker === undefined) throw new Error("there is none");
    const { port, asked } = clocked({ "41.1": [0, 0] });
    await result(readSampleRates(port, scarlett, speaker));
    expect(asked).toStrictEqual(["in 2 41.1", "in 2 41.1"]);
  });
});
