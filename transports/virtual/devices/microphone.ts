import type { ControlSetup } from "../../../src/index.js";
import { wholeNumber } from "../../../src/numbers.js";
import type { VirtualDevice, VirtualInEndpoint } from "../device-model.js";
import type { AudioControls } from "./audio/audio-controls.js";
import { audioFunction } from "./audio/audio-function.js";
import { mostSamples, sampleBytes, streamingInterface } from "./audio/layout.js";
import { checkRelease, type UacDeviceOptions } from "./audio/release.js";
import { checkSampleRates } from "./audio/sample-rates.js";
import { SampleClock } from "./audio/sample-clock.js";
import { SampleSource, type SampleCounts } from "./audio/sample-source.js";
import { Tone } from "./audio/tone.js";
import { checkClockPpm } from "./clock-ppm.js";

/** How a {@link microphoneDevice} is made. */
export interface MicrophoneDeviceOptions extends UacDeviceOptions {
  /** Default: 2. */
  readonly channels?: 1 | 2 | undefined;
  /** The rates that it has, the first being its default: some of 48,000 and 44,100. Default: both. */
  readonly sampleRates?: readonly number[] | undefined;
  /** Of the tone that it hears, in Hz; the right channel has twice that. Default: 997. */
  readonly frequency?: number | undefined;
  /** Of that tone: the largest sample. Default: 16,384. */
  readonly amplitude?: number | undefined;
  /** How much faster the device's clock runs than the bus, in parts per million; slower where negative. Default: 0. */
  readonly clockPpm?: number | undefined;
  /** Milliseconds of sound that it keeps for a host that does not ask. Default: 20. */
  readonly fifo?: number | undefined;
  readonly serialNumber?: string | undefined;
}

/** Numbers of the microphone. */
export const microphoneProtocol = {
  vendorId: 0x1209,
  productId: 0x0003,
  /** Sends samples. */
  endpoint: 0x81,
  /** The interface with that endpoint in alternate setting 1. */
  streamingInterface,
} as const;

/**
 * A microphone of the USB Audio Class that hears a {@link tone}, 16 bits a sample. Its packets have as many samples as
 * its clock has made: 44 or 45 at 44.1 kHz and full speed, 5 or 6 at high speed. It stalls what its class does not have:
 * of UAC 2.0, a rate too that its clock does not name.
 *
 * Sample 0 is that of the first packet that the host asks for after it has selected alternate setting 1, or set the rate. What
 * is not asked for in time waits in a FIFO, and is sent a sample a packet faster; what has no room there is
 * lost, the oldest first.
 */
export class MicrophoneDevice implements VirtualDevice {
  readonly speed: "full" | "high";
  readonly deviceDescriptor: Uint8Array;
  readonly configurationDescriptor: Uint8Array;
  readonly strings: readonly string[];
  readonly #tones: ReadonlyMap<number, Tone>;
  readonly #clockPpm: number;
  readonly #fifo: number;
  readonly #framesPerSecond: number;
  readonly #controls: AudioControls;
  readonly #source: SampleSource;

  constructor(options: MicrophoneDeviceOptions) {
    const { channels = 2, frequency, amplitude, serialNumber = "0001" } = options;
    const sampleRates = checkSampleRates(options.sampleRates);
    wholeNumber("channels", channels, 1, 2);
    const release = checkRelease(options);
    this.speed = release.speed;
    this.#framesPerSecond = release.framesPerSecond;
    this.#clockPpm = checkClockPpm(options.clockPpm ?? 0);
    this.#fifo = wholeNumber("fifo", options.fifo ?? 20, 1, 10_000);
    this.#tones = new Map(
      sampleRates.map((sampleRate) => [sampleRate, new Tone({ sampleRate, frequency, amplitude, channels })]),
    );
    const fastest = Math.max(...sampleRates.map((rate) => this.#clockOf(rate).samplesPerFrame));
    const { vendorId, productId, endpoint } = microphoneProtocol;
    const audio = audioFunction({
      release,
      streaming: {
        kind: "microphone",
        channels,
        sampleRates,
        endpoint,
        maxPacketSize: mostSamples(fastest) * sampleBytes * channels,
        synchronization: "asynchronous",
      },
      ids: { vendorId, productId },
      serialNumber,
      rateSet: () => {
        this.#start();
      },
    });
    this.strings = audio.strings;
    this.deviceDescriptor = audio.deviceDescriptor;
    this.configurationDescriptor = audio.configurationDescriptor;
    this.#controls = audio.controls;
    this.#source = new SampleSource(this.#controls);
    this.#start();
  }

  /** Samples of each channel in a second, as the host has set it. */
  get sampleRate(): number {
    return this.#controls.sampleRate;
  }

  /** The samples of the stream that runs, or ran last. */
  get statistics(): SampleCounts {
    return this.#source.counts;
  }

  endpoint(address: number): VirtualInEndpoint | undefined {
    return address === microphoneProtocol.endpoint ? this.#source : undefined;
  }

  alternateSelected(interfaceNumber: number, alternate: number): void {
    if (interfaceNumber === streamingInterface && alternate === 1) this.#start();
  }

  control(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    return setup.type === "class" ? this.#controls.answer(setup, data) : undefined;
  }

  #start(): void {
    const { sampleRate } = this;
    const tone = this.#tones.get(sampleRate);
    if (tone === undefined) return;
    this.#source.start(tone, this.#clockOf(sampleRate), Math.ceil((this.#fifo * sampleRate) / 1000));
  }

  #clockOf(sampleRate: number): SampleClock {
    return new SampleClock(sampleRate, this.#clockPpm, this.#framesPerSecond);
  }
}

/**
 * Makes a {@link MicrophoneDevice}.
 *
 * @throws `InvalidRequestError` for options that are none
 *
 * @example
 * ```ts
 * import { isochPipe } from "rx-isoch";
 * import { microphoneDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * const bus = new VirtualBus({ devices: [microphoneDevice({ channels: 1, clockPpm: 50 })] });
 * isochPipe(bus, { vendorId: 0x1209, productId: 0x0003, endpoint: 0x81 }).subscribe(({ data }) => {
 *   console.log(data.length / 2, "samples");
 * });
 * ```
 */
export function microphoneDevice(options: MicrophoneDeviceOptions = {}): MicrophoneDevice {
  return new MicrophoneDevice(options);
}
