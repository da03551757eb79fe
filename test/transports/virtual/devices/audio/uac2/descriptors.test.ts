import { describe, expect, it } from "vitest";
import { audioFunctions, terminalName } from "../../../../../../src/class/uac/index.js";
import { parseConfigurationDescriptor } from "../../../../../../src/index.js";
import {
  microphoneDevice,
  speakerDevice,
  VirtualBus,
  type MicrophoneDeviceOptions,
  type SpeakerDeviceOptions,
} from "../../../../../../transports/virtual/index.js";

const microphone = (options: MicrophoneDeviceOptions = {}) => microphoneDevice({ uacVersion: 2, ...options });
const speaker = (options: SpeakerDeviceOptions = {}) => speakerDevice({ uacVersion: 2, ...options });

const devices = {
  "a microphone": microphone(),
  "a microphone with one channel": microphone({ channels: 1 }),
  "a microphone with an external clock": microphone({ externalClock: true }),
  "a speaker": speaker(),
  "an adaptive speaker": speaker({ synchronization: "adaptive" }),
  "a speaker with implicit feedback": speaker({ feedback: "implicit", externalClock: true, sampleRates: [44_100] }),
};

describe.each(Object.entries(devices))("the descriptors of %s", (_, device) => {
  const configuration = parseConfigurationDescriptor(device.configurationDescriptor);
  const [audio] = audioFunctions(configuration);

  it("are one function, told by an association", () => {
    // Class, subclass, protocol: interface association.
    expect([...device.deviceDescriptor.subarray(2, 7)]).toStrictEqual([0x00, 0x02, 0xef, 0x02, 0x01]);
    const { interfaces, associations } = configuration;
    expect(associations).toMatchObject([{ firstInterface: 0, interfaceCount: interfaces.length }]);
    for (const [i, { alternates }] of interfaces.entries()) {
      for (const each of alternates) {
        expect(each).toMatchObject({
          interfaceClass: 1,
          interfaceSubclass: i === 0 ? 1 : 2,
          interfaceProtocol: 0x20,
        });
      }
    }
  });

  it("have a header with their length", () => {
    const all = configuration.interfaces[0]?.alternates[0]?.extra.map(({ bytes }) => bytes) ?? [];
    const [header] = all;
    const length = all.reduce((sum, bytes) => sum + bytes.length, 0);
    expect([...(header ?? [])]).toStrictEqual([9, 0x24, 1, 0x00, 0x02, header?.[5], length & 0xff, length >> 8, 0]);
  });

  it("have no entity twice, and none whose source or clock is not there", () => {
    const ids = audio?.entities.map(({ id }) => id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    for (const { sources, clock } of audio?.entities ?? []) {
      for (const id of [...sources, ...(clock === undefined ? [] : [clock])]) expect(ids).toContain(id);
    }
    expect(audio).toMatchObject({ version: 2, skipped: [] });
  });

  it("have no bandwidth in alternate setting 0, and a packet each microframe in the other", () => {
    for (const { alternates } of configuration.interfaces.slice(1)) {
      expect(alternates.map(({ endpoints }) => endpoints[0]?.interval)).toStrictEqual([undefined, 1]);
    }
  });
});

/** What counts, of each alternate setting. */
function inWords({ configurationDescriptor }: { readonly configurationDescriptor: Uint8Array }) {
  const [audio] = audioFunctions(parseConfigurationDescriptor(configurationDescriptor));
  return audio?.alternates.map(({ interfaceNumber, endpoint, terminalTypes, format, clock, feedback }) => [
    `${interfaceNumber}: 0x${endpoint.address.toString(16)} ${endpoint.synchronizationType} ${endpoint.maxPacketSize}`,
    `${terminalTypes.map(terminalName).join()}, ${format.kind} ${format.channels} × ${format.bitResolution}`,
    `clock ${String(clock)}, ${feedback.type}`,
  ]);
}

describe("the streams", () => {
  it.each<[keyof typeof devices, string[][]]>([
    ["a microphone", [["1: 0x81 asynchronous 28", "microphone, pcm 2 × 16", "clock 10, none"]]],
    ["a microphone with one channel", [["1: 0x81 asynchronous 14", "microphone, pcm 1 × 16", "clock 10, none"]]],
    ["a microphone with an external clock", [["1: 0x81 asynchronous 28", "microphone, pcm 2 × 16", "clock 12, none"]]],
    ["a speaker", [["1: 0x1 asynchronous 32", "speaker, pcm 2 × 16", "clock 10, explicit"]]],
    ["an adaptive speaker", [["1: 0x1 adaptive 32", "speaker, pcm 2 × 16", "clock 10, none"]]],
    [
      "a speaker with implicit feedback",
      [
        ["1: 0x1 asynchronous 32", "speaker, pcm 2 × 16", "clock 12, implicit"],
        ["2: 0x82 asynchronous 32", "line connector, pcm 2 × 16", "clock 12, none"],
      ],
    ],
  ])("of %s", (name, expected) => {
    expect(inWords(devices[name])).toStrictEqual(expected);
  });

  it("explicit feedback is four bytes, eight times slower than the samples", () => {
    const { interfaces } = parseConfigurationDescriptor(devices["a speaker"].configurationDescriptor);
    expect(interfaces[1]?.alternates[1]?.endpoints).toMatchObject([
      { address: 0x01, usageType: "data", interval: 1 },
      { address: 0x82, usageType: "feedback", synchronizationType: "none", maxPacketSize: 4, interval: 4 },
    ]);
  });

  it("implicit feedback says that it is", () => {
    const { interfaces } = parseConfigurationDescriptor(
      devices["a speaker with implicit feedback"].configurationDescriptor,
    );
    expect(interfaces[2]?.alternates[1]?.endpoints).toMatchObject([{ address: 0x82, usageType: "implicit-feedback" }]);
  });
});

describe("the clocks", () => {
  const clocksOf = ({ configurationDescriptor }: { readonly configurationDescriptor: Uint8Array }) =>
    audioFunctions(parseConfigurationDescriptor(configurationDescriptor))[0]?.entities.filter(({ kind }) =>
      kind.startsWith("clock"),
    );

  it("can be set, and asked if they are valid", () => {
    expect(clocksOf(devices["a microphone"])).toMatchObject([
      { kind: "clock-source", id: 10, isProgrammable: true, hasValidity: true, isExternal: false },
    ]);
  });

  it("cannot be set with one rate; and there is an external one, and a selector of both", () => {
    expect(clocksOf(devices["a speaker with implicit feedback"])).toMatchObject([
      { kind: "clock-source", id: 10, isProgrammable: false, hasValidity: true, isExternal: false },
      { kind: "clock-source", id: 11, isProgrammable: false, hasValidity: true, isExternal: true },
      { kind: "clock-selector", id: 12, isProgrammable: true, sources: [11, 10] },
    ]);
  });

  it("have names", () => {
    const device = devices["a microphone with an external clock"];
    const names = clocksOf(device)?.map(({ stringIndex }) => device.strings[stringIndex - 1]);
    expect(names).toStrictEqual(["internal", "word clock", undefined]);
  });
});

it("a high-speed device is told from others as a full-speed one is", () => {
  const { info } = new VirtualBus().attach(microphone({ serialNumber: "another" }));
  expect(info).toMatchObject({ speed: "high", product: "microphone", serialNumber: "another" });
});
