import { lastValueFrom, of, throwError, toArray, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  audioFunctions,
  readSampleRates,
  selectEndpointRate,
  type AudioControlPort,
} from "../../../../src/class/uac/index.js";
import { DeviceError, openDevice, parseConfigurationDescriptor, type UsbDevice } from "../../../../src/index.js";
import { speakerDevice, unpacedClock, VirtualBus, type VirtualDevice } from "../../../../transports/virtual/index.js";
import * as fixtures from "../../../fixtures/descriptors/index.js";
import { AudioDevice, type AudioDeviceOptions } from "../../../support/audio-device.js";
import { failure, plain } from "../../../support/plain-error.js";
import { clockEntityOf, scriptedClocks } from "./clocks.js";

/** A device that is open, its audio function, and its speaker. */
function opened(options: Partial<AudioDeviceOptions> = {}) {
  const device = new AudioDevice({ speed: "full", feedback: "none", ...options });
  return { device, ...open(device) };
}

function open(device: VirtualDevice) {
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  let port: UsbDevice | undefined;
  openDevice(bus, {}).subscribe((each) => (port = each));
  if (port === undefined) throw new Error("it did not open");
  const [audio] = audioFunctions(port.configuration);
  const [alternate] = audio?.alternates ?? [];
  if (audio === undefined || alternate === undefined) throw new Error("it has no audio");
  return { port, audio, alternate };
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
  const entities = [
    clockEntityOf("clock-source", 1),
    clockEntityOf("clock-source", 2),
    clockEntityOf("clock-multiplier", 3, [2]),
    clockEntityOf("clock-selector", 4, [1, 3]),
    clockEntityOf("clock-selector", 5, [5, 5]),
  ];
  const audio = { controlInterface: 0, entities };
  const { alternate } = open(speakerDevice({ uacVersion: 2 }));

  it("has its rates in its clock", async () => {
    const { port, audio, alternate } = open(speakerDevice({ uacVersion: 2, sampleRates: [44_100, 48_000] }));
    expect(await result(readSampleRates(port, audio, alternate))).toStrictEqual([both]);
  });

  it("goes through the pin of a selector that is selected, and through multipliers", async () => {
    const range = [1, 0, 0x80, 0xbb, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0, 0];
    const { port, asked } = scriptedClocks({ "4.1": [2], "3.1": [2, 0], "3.2": [1, 0], "2.1": range });
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
    expect(await result(readSampleRates(scriptedClocks(answers).port, audio, { ...alternate, clock }))).toStrictEqual(
      failure("DescriptorError", "bad-descriptor", `entity ${clock}`),
    );
  });

  it("takes a range that is cut off, or none, as far as it goes", async () => {
    const range = (bytes: readonly number[]) =>
      result(readSampleRates(scriptedClocks({ "1.1": bytes }).port, audio, { ...alternate, clock: 1 }));
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
    const { port, asked } = scriptedClocks({ "41.1": [0, 0] });
    await result(readSampleRates(port, scarlett, speaker));
    expect(asked).toStrictEqual(["in 2 41.1", "in 2 41.1"]);
  });
});
