import { describe, expect, it } from "vitest";
import {
  microphoneDevice,
  microphoneProtocol,
  speakerDevice,
  type MicrophoneDeviceOptions,
  type VirtualDevice,
} from "../../../../../../transports/virtual/index.js";
import { ClassRequests } from "../../class-requests.js";

const [current, range, memory] = [1, 2, 3];
const [rate, valid, pin, mute, volume] = [0x0100, 0x0200, 0x0100, 0x0100, 0x0200];
const [k44, k48] = [
  [0x44, 0xac, 0, 0],
  [0x80, 0xbb, 0, 0],
];
const none = [0, 0, 0, 0];

const entity = (device: VirtualDevice, id: number) => new ClassRequests(device, "interface", id << 8);

function clocks(options: MicrophoneDeviceOptions = {}) {
  const device = microphoneDevice({ uacVersion: 2, ...options });
  return {
    device,
    unit: entity(device, 2),
    internal: entity(device, 10),
    external: entity(device, 11),
    selector: entity(device, 12),
  };
}

describe("the clock source", () => {
  it("has each rate as a range of its own", () => {
    const { internal } = clocks();
    expect(internal.get(range, rate)).toStrictEqual([2, 0, ...k48, ...k48, ...none, ...k44, ...k44, ...none]);
    expect(internal.get(range, rate, 2)).toHaveLength(26);
  });

  it("is set to one of them, and to nothing else", () => {
    const { internal, device } = clocks();
    expect(internal.get(current, rate)).toStrictEqual(k48);
    expect(internal.set(current, rate, ...k44)).toBe(true);
    expect(internal.get(current, rate)).toStrictEqual(k44);
    expect(internal.set(current, rate, 0x45, 0xac, 0, 0)).toBe(false);
    expect(internal.set(current, rate, 0x80, 0xbb, 0)).toBe(false);
    expect(internal.set(current, rate, ...k48, 0)).toBe(false);
    expect(device.sampleRate).toBe(44_100);
  });

  it("with one rate cannot be set", () => {
    const { internal } = clocks({ sampleRates: [44_100] });
    expect(internal.get(current, rate)).toStrictEqual(k44);
    expect(internal.get(range, rate)).toStrictEqual([1, 0, ...k44, ...k44, ...none]);
    expect(internal.set(current, rate, ...k44)).toBe(false);
  });

  it("says that it is valid, which can only be read", () => {
    const { internal } = clocks();
    expect(internal.get(current, valid)).toStrictEqual([1]);
    expect(internal.set(current, valid, 1)).toBe(false);
    expect(internal.get(range, valid)).toBeUndefined();
  });

  it("locks anew when its rate is changed, and is silent until then", () => {
    const { internal, device } = clocks({ clockLock: 2 });
    const packet = () => {
      const source = device.endpoint(microphoneProtocol.endpoint);
      return source?.produce(0, new Uint8Array(64), 0, 64);
    };
    const validities = () => [0, 0, 0].map(() => internal.get(current, valid)?.[0]);
    expect(packet()).toBe(0);
    expect(validities()).toStrictEqual([0, 0, 1]);
    expect(packet()).toBeGreaterThan(0);
    expect(internal.set(current, rate, ...k48)).toBe(true);
    expect(internal.get(current, valid)).toStrictEqual([1]);
    expect(internal.set(current, rate, ...k44)).toBe(true);
    expect(packet()).toBe(0);
    expect(validities()).toStrictEqual([0, 0, 1]);
  });
});

describe("the clock selector", () => {
  it("has an external source selected, which is not valid and has no rate", () => {
    const { selector, external } = clocks({ externalClock: true });
    expect(selector.get(current, pin)).toStrictEqual([1]);
    expect(external.get(current, valid)).toStrictEqual([0]);
    expect(external.get(current, rate)).toStrictEqual(none);
    expect(external.get(range, rate)).toHaveLength(26);
    expect(external.set(current, rate, ...k48)).toBe(false);
    expect(external.get(current, 0x0300)).toBeUndefined();
  });

  it("selects one of its pins, and nothing else", () => {
    const { selector } = clocks({ externalClock: true });
    expect(selector.set(current, pin, 2)).toBe(true);
    expect(selector.get(current, pin)).toStrictEqual([2]);
    for (const none of [0, 3]) expect(selector.set(current, pin, none)).toBe(false);
    expect(selector.set(current, pin)).toBe(false);
    expect(selector.get(range, pin)).toBeUndefined();
    expect(selector.get(current, 0x0200)).toBeUndefined();
    expect(selector.get(current, pin)).toStrictEqual([2]);
  });

  it("is not there without an external clock", () => {
    const { selector, external } = clocks();
    expect(selector.get(current, pin)).toBeUndefined();
    expect(external.get(current, valid)).toBeUndefined();
  });
});

describe("the feature unit", () => {
  it("has mute and volume, in whole dB", () => {
    const device = speakerDevice({ uacVersion: 2 });
    const unit = entity(device, 2);
    expect(unit.get(current, mute)).toStrictEqual([0]);
    expect(unit.set(current, mute, 1)).toBe(true);
    expect(unit.get(current, mute)).toStrictEqual([1]);
    // -60 to 0 in steps of 1 dB.
    expect(unit.get(range, volume)).toStrictEqual([1, 0, 0x00, 0xc4, 0, 0, 0, 1]);
    expect(unit.set(current, volume, 0x90, 0xf5)).toBe(true);
    expect(unit.get(current, volume)).toStrictEqual([0x00, 0xf6]);
    expect([device.isMuted, device.volume]).toStrictEqual([true, -10]);
    expect(unit.set(current, volume, 0x00, 0x80)).toBe(true);
    expect(device.volume).toBe(-60);
  });
});

describe("what there is not", () => {
  it("stalls", () => {
    const { device, unit, internal } = clocks();
    // Bass; the volume of one channel; a range that is set, or is none; memory; the requests of UAC 1.0.
    expect(unit.get(current, 0x0300)).toBeUndefined();
    expect(unit.get(current, volume | 1)).toBeUndefined();
    expect(unit.set(range, volume, 1, 0)).toBe(false);
    expect(unit.get(range, mute)).toBeUndefined();
    expect(unit.get(memory, volume)).toBeUndefined();
    expect(unit.get(0x81, volume)).toBeUndefined();
    expect(unit.get(0x84, volume)).toBeUndefined();
    expect(unit.set(current, volume, 1)).toBe(false);
    expect(internal.get(current, 0x0300)).toBeUndefined();
    expect(internal.get(current, rate | 1)).toBeUndefined();
    // A terminal, the streaming interface, the endpoint.
    expect(entity(device, 1).get(current, 0x0200)).toBeUndefined();
    for (const control of [rate, valid]) {
      expect(new ClassRequests(device, "interface", 0x0a01).get(current, control)).toBeUndefined();
      expect(new ClassRequests(device, "interface", 1).get(current, control)).toBeUndefined();
      expect(new ClassRequests(device, "endpoint", 0x81).get(current, control)).toBeUndefined();
      expect(new ClassRequests(device, "endpoint", 0x0a00).get(current, control)).toBeUndefined();
    }
    expect(new ClassRequests(device, "endpoint", 0x81).set(current, rate, 0x44, 0xac, 0)).toBe(false);
  });
});
