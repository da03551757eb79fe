import { joined } from "../../src/joined.js";
import type { ControlSetup } from "../../src/index.js";
import { encodeConfiguration, encodeDevice } from "../../transports/virtual/descriptors.js";
import { audioFunction, type AudioFunction } from "../../transports/virtual/devices/audio/audio-function.js";
import { checkRelease } from "../../transports/virtual/devices/audio/release.js";
import type { VirtualDevice, VirtualInEndpoint, VirtualOutEndpoint } from "../../transports/virtual/index.js";

/** Bytes of a sample of both channels, 16 bits each. */
export const frameSize = 4;
export const audioIds = { vendorId: 0x1209, productId: 0x0002 } as const;

/** How an {@link AudioDevice} is made. */
export interface AudioDeviceOptions {
  /** UAC 1.0 at full speed, with a microphone too; UAC 2.0 at high speed, with one only for implicit feedback. */
  readonly speed: "full" | "high";
  readonly feedback: "explicit" | "implicit" | "none";
  /** Of UAC 2.0: the rates that its clock has; it starts at the first. Default: 44.1 and 48 kHz. */
  readonly sampleRates?: readonly number[];
  /** How much faster than the bus its clock runs, in parts per million. */
  readonly ppm?: number;
  /** Samples that fit in its FIFO. Default: 24 ms at 48 kHz. */
  readonly fifo?: number;
  /** Answers SET_CUR with STALL. */
  readonly refusesRate?: boolean;
  /** Of UAC 1.0: what it says it runs at, whatever was set. */
  readonly tellsRate?: number;
  /** Feedback it sends instead of what it measures. */
  readonly sends?: (samplesPerFrame: number) => Uint8Array;
}

/**
 * A strict device of the audio class, with a speaker and a microphone on one clock of its own. The speaker plays out
 * of a FIFO, from when that is half full, and counts how often it runs dry and over. It never corrects anything: its
 * feedback is what its clock measures. Of UAC 2.0, it is described and controlled as the virtual speaker is.
 */
export class AudioDevice implements VirtualDevice {
  readonly speed: "full" | "high";
  readonly deviceDescriptor: Uint8Array;
  readonly configurationDescriptor: Uint8Array;
  readonly strings = ["rx-isoch", "audio"];
  /** What was asked of it, and when its alternate settings were selected, in order. */
  readonly log: string[] = [];
  readonly speaker: Fifo;
  readonly #options: AudioDeviceOptions;
  /** Its descriptors and its controls, of UAC 2.0. */
  readonly #model: AudioFunction | undefined;
  #sampleRate = 0;
  readonly #frameDuration: number;

  constructor(options: AudioDeviceOptions) {
    const { speed, fifo = 1152 } = options;
    this.speed = speed;
    this.#options = options;
    this.#frameDuration = speed === "full" ? 1000 : 125;
    this.deviceDescriptor = encodeDevice({ usbVersion: 0x0200, maxPacketSize0: 64, ...audioIds });
    if (speed === "high") this.#model = modelOf(options);
    this.configurationDescriptor = this.#model?.configurationDescriptor ?? fullSpeedConfiguration(options.feedback);
    this.speaker = new Fifo(fifo, this.#frameDuration, (time) => this.#samplesAt(time));
  }

  get sampleRate(): number {
    return this.#model?.controls.sampleRate ?? this.#sampleRate;
  }

  endpoint(address: number): VirtualInEndpoint | VirtualOutEndpoint | undefined {
    if (address === 0x01) return this.speaker;
    const isFeedback = this.#model === undefined ? address === 0x81 : this.#options.feedback === "explicit";
    return { direction: "in", produce: isFeedback ? this.#produceFeedback : this.#produceSamples };
  }

  alternateSelected(interfaceNumber: number, alternate: number): void {
    this.log.push(`interface ${interfaceNumber}, alternate ${alternate}`);
  }

  control(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    if (setup.type !== "class") return undefined;
    if (this.#model === undefined) return this.#endpointControl(setup, data);
    if (setup.direction === "out" && data instanceof Uint8Array && this.#isRefused(data)) return undefined;
    return this.#model.controls.answer(setup, data);
  }

  #endpointControl({ recipient, request, value, index }: ControlSetup, data: number | Uint8Array) {
    if (recipient !== "endpoint" || value !== 0x0100 || (index !== 0x01 && index !== 0x82)) return undefined;
    if (request === 0x81) return number(this.#options.tellsRate ?? this.sampleRate, 3);
    return request === 0x01 && data instanceof Uint8Array && data.length === 3 ? this.#set(data) : undefined;
  }

  #set(data: Uint8Array): Uint8Array | undefined {
    if (this.#isRefused(data)) return undefined;
    this.#sampleRate = numberOf(data);
    return new Uint8Array(0);
  }

  /** Each that is set is noted. */
  #isRefused(data: Uint8Array): boolean {
    this.log.push(`rate ${numberOf(data)}`);
    return this.#options.refusesRate === true;
  }

  #samplesAt(time: number): number {
    return Math.floor((time * this.sampleRate * (1 + (this.#options.ppm ?? 0) / 1e6)) / 1e6);
  }

  readonly #produceFeedback = (_frame: number, buffer: Uint8Array, offset: number): number => {
    const samples = ((this.sampleRate * (1 + (this.#options.ppm ?? 0) / 1e6)) / 1e6) * this.#frameDuration;
    const format = this.speed === "full" ? number(samples * 2 ** 14, 3) : number(samples * 2 ** 16, 4);
    const bytes = this.#options.sends?.(samples) ?? format;
    buffer.set(bytes, offset);
    return bytes.length;
  };

  readonly #produceSamples = (frame: number, buffer: Uint8Array, offset: number): number => {
    const from = this.#samplesAt(frame * this.#frameDuration);
    const count = this.#samplesAt((frame + 1) * this.#frameDuration) - from;
    for (let i = 0; i < count; i++) {
      buffer[offset + i * frameSize] = (from + i) & 0xff;
      buffer[offset + i * frameSize + 1] = ((from + i) >> 8) & 0xff;
    }
    return count * frameSize;
  };
}

/** Where a speaker plays from. */
class Fifo implements VirtualOutEndpoint {
  readonly direction = "out";
  /** Samples that came. */
  received = 0;
  underruns = 0;
  overruns = 0;
  /** Packets whose first sample did not follow the last of the one before: samples count up in the left channel. */
  mismatches = 0;
  /** Samples in it at each full second, after a packet. */
  readonly levels: number[] = [];
  readonly #capacity: number;
  readonly #frameDuration: number;
  readonly #samplesAt: (time: number) => number;
  #level = 0;
  /** Samples played by the clock; `undefined` before it plays. */
  #played: number | undefined;
  #second = 0;

  constructor(capacity: number, frameDuration: number, samplesAt: (time: number) => number) {
    this.#capacity = capacity;
    this.#frameDuration = frameDuration;
    this.#samplesAt = samplesAt;
  }

  consume(frame: number, buffer: Uint8Array, offset: number, length: number): void {
    const time = frame * this.#frameDuration;
    const clock = this.#samplesAt(time);
    const samples = length / frameSize;
    if (!Number.isInteger(samples)) throw new Error(`a sample was split: ${length} bytes`);
    if (samples > 0 && ((buffer[offset] ?? 0) | ((buffer[offset + 1] ?? 0) << 8)) !== (this.received & 0xffff)) {
      this.mismatches++;
    }
    this.received += samples;
    if (this.#played !== undefined) {
      this.#level -= clock - this.#played;
      this.#played = clock;
      if (this.#level < 0) {
        this.underruns++;
        this.#level = 0;
        this.#played = undefined;
      }
    }
    this.#level += samples;
    if (this.#level > this.#capacity) {
      this.overruns++;
      this.#level = this.#capacity;
    }
    if (this.#level >= this.#capacity / 2) this.#played ??= clock;
    const second = Math.floor(time / 1_000_000);
    if (second > this.#second) {
      this.#second = second;
      this.levels.push(this.#level);
    }
  }
}

function numberOf(data: Uint8Array): number {
  return data.reduceRight((sum, byte) => sum * 256 + byte, 0);
}

function number(value: number, length: number): Uint8Array {
  let rest = Math.round(value);
  return Uint8Array.from({ length }, () => {
    const byte = rest % 256;
    rest = Math.floor(rest / 256);
    return byte;
  });
}

function interfaceOf(number: number, alternate: number, endpoints: number, subclass: number, protocol: number) {
  return Uint8Array.of(9, 4, number, alternate, endpoints, 1, subclass, protocol, 0);
}

function fullSpeedConfiguration(feedback: AudioDeviceOptions["feedback"]): Uint8Array {
  const hasExplicit = feedback === "explicit";
  const format = Uint8Array.of(14, 0x24, 2, 1, 2, 2, 16, 2, ...number(44_100, 3), ...number(48_000, 3));
  const endpoint = (address: number, attributes: number, synch: number) =>
    joined([Uint8Array.of(9, 5, address, attributes, 200, 0, 1, 0, synch), Uint8Array.of(7, 0x25, 1, 1, 0, 0, 0)]);
  return encodeConfiguration(
    3,
    interfaceOf(0, 0, 0, 1, 0),
    Uint8Array.of(10, 0x24, 1, 0, 1, 52, 0, 2, 1, 2),
    Uint8Array.of(12, 0x24, 2, 1, 0x01, 0x01, 0, 2, 3, 0, 0, 0),
    Uint8Array.of(9, 0x24, 3, 2, 0x01, 0x03, 0, 1, 0),
    Uint8Array.of(12, 0x24, 2, 3, 0x01, 0x02, 0, 2, 3, 0, 0, 0),
    Uint8Array.of(9, 0x24, 3, 4, 0x01, 0x01, 0, 3, 0),
    interfaceOf(1, 0, 0, 2, 0),
    interfaceOf(1, 1, hasExplicit ? 2 : 1, 2, 0),
    Uint8Array.of(7, 0x24, 1, 1, 1, 1, 0),
    format,
    endpoint(0x01, feedback === "none" ? 0x09 : 0x05, hasExplicit ? 0x81 : 0),
    ...(hasExplicit ? [Uint8Array.of(9, 5, 0x81, 0x01, 3, 0, 1, 3, 0)] : []),
    interfaceOf(2, 0, 0, 2, 0),
    interfaceOf(2, 1, 1, 2, 0),
    Uint8Array.of(7, 0x24, 1, 4, 1, 1, 0),
    format,
    endpoint(0x82, feedback === "implicit" ? 0x25 : 0x05, 0),
  );
}

function modelOf({ feedback, sampleRates = [44_100, 48_000] }: AudioDeviceOptions): AudioFunction {
  const timing = {
    none: { synchronization: "adaptive" },
    explicit: { synchronization: "asynchronous", feedback: { type: "explicit", endpoint: 0x82 } },
    implicit: { synchronization: "asynchronous", feedback: { type: "implicit", endpoint: 0x82 } },
  } as const;
  return audioFunction({
    release: checkRelease({ uacVersion: 2 }),
    streaming: { kind: "speaker", channels: 2, sampleRates, endpoint: 0x01, maxPacketSize: 32, ...timing[feedback] },
    ids: audioIds,
    serialNumber: "0001",
    rateSet: () => undefined,
  });
}

/** Samples that count up in the left channel, and are silent in the right one: so many, in pieces. */
export function* countingSamples(total: number, first = 0): Generator<Uint8Array> {
  const cycle = 65_536;
  const samples = new Uint8Array(new Uint16Array(2 * cycle).map((_, i) => (i % 2 === 0 ? i / 2 : 0)).buffer);
  for (let at = first; at < first + total;) {
    const from = at % cycle;
    const count = Math.min(cycle - from, first + total - at);
    yield samples.subarray(from * frameSize, (from + count) * frameSize);
    at += count;
  }
}
