import { InvalidRequestError, type ControlSetup } from "../../../src/index.js";
import { oneOf, wholeNumber } from "../../../src/numbers.js";
import type { VirtualDevice, VirtualInEndpoint, VirtualOutEndpoint } from "../device-model.js";
import type { AudioControls } from "./audio/audio-controls.js";
import { audioFunction } from "./audio/audio-function.js";
import { mostSamples, sampleBytes, streamingInterface, type AudioStreaming } from "./audio/layout.js";
import { checkRelease, type Release, type UacDeviceOptions } from "./audio/release.js";
import { SampleClock } from "./audio/sample-clock.js";
import { checkSampleRates } from "./audio/sample-rates.js";
import { SampleRecord } from "./audio/sample-record.js";
import { SampleSink, type PlaybackCounts } from "./audio/sample-sink.js";
import { checkClockPpm } from "./clock-ppm.js";

/** How a {@link speakerDevice} is made. */
export interface SpeakerDeviceOptions extends UacDeviceOptions {
  /** The rates that it has, the first being its default: some of 48,000 and 44,100. Default: both. */
  readonly sampleRates?: readonly number[] | undefined;
  /**
   * `asynchronous`: it plays by its own clock, and tells the host by a feedback endpoint how much that takes.
   * `adaptive`: it has no such endpoint and promises to follow the host; but its clock is fixed, so with a
   * `clockPpm` it runs over, or dry. Default: `asynchronous`.
   */
  readonly synchronization?: "adaptive" | "asynchronous" | undefined;
  /**
   * How an asynchronous one tells how much it takes. `explicit`: by an endpoint with a number. `implicit`, of UAC 2.0 only:
   * by an endpoint that captures silence on the same clock, as much of it as is played. Default: `explicit`.
   */
  readonly feedback?: "explicit" | "implicit" | undefined;
  /** How much faster the device's clock runs than the bus, in parts per million; slower where negative. Default: 0. */
  readonly clockPpm?: number | undefined;
  /** Milliseconds of sound that its FIFO has room for; it begins to play when that is half full. Default: 20. */
  readonly fifo?: number | undefined;
  /** Bytes of the latest sound that {@link SpeakerDevice.recorded} keeps. Default: 1 MiB, five seconds at 48 kHz. */
  readonly record?: number | undefined;
  /** Is given each packet as it arrives, the program's to keep. What it throws is a failure of the device. */
  readonly received?: ((packet: Uint8Array) => void) | undefined;
  readonly serialNumber?: string | undefined;
}

/** Numbers of the speaker. */
export const speakerProtocol = {
  vendorId: 0x1209,
  productId: 0x0004,
  /** Takes samples. */
  endpoint: 0x01,
  /**
   * Says how many samples it takes, where it is asynchronous: in a frame, 10.14 bits in 3 bytes; of UAC 2.0, in a
   * microframe, 16.16 in 4. Where feedback is implicit, it captures, in the interface after the one of the samples.
   */
  feedbackEndpoint: 0x82,
  /** The interface with those endpoints in alternate setting 1. */
  streamingInterface,
} as const;

const channels = 2;
const sampleSize = channels * sampleBytes;

/** @throws {@link InvalidRequestError} */
function checkTiming(
  options: SpeakerDeviceOptions,
  { version }: Release,
): Pick<AudioStreaming, "synchronization" | "feedback"> {
  const synchronization = oneOf("synchronization", options.synchronization ?? "asynchronous", [
    "adaptive",
    "asynchronous",
  ]);
  const type = oneOf("feedback", options.feedback ?? "explicit", ["explicit", "implicit"]);
  if (type === "implicit" && (version === 1 || synchronization === "adaptive")) {
    throw new InvalidRequestError(
      "invalid-option",
      "implicit feedback is of an asynchronous speaker of UAC 2.0: set uacVersion to 2, and leave synchronization out",
    );
  }
  if (synchronization === "adaptive") return { synchronization };
  return { synchronization, feedback: { type, endpoint: speakerProtocol.feedbackEndpoint } };
}

/**
 * A speaker of the USB Audio Class, stereo, 16 bits a sample. It keeps what it got, and counts where the FIFO in
 * front of its converter would have run dry or over. It stalls what its class does not have: of UAC 2.0, a rate too that
 * its clock does not name.
 *
 * The record and the counts begin anew when the host selects alternate setting 1, or sets the rate.
 */
export class SpeakerDevice implements VirtualDevice {
  readonly speed: "full" | "high";
  readonly deviceDescriptor: Uint8Array;
  readonly configurationDescriptor: Uint8Array;
  readonly strings: readonly string[];
  readonly #clockPpm: number;
  readonly #fifo: number;
  readonly #framesPerSecond: number;
  readonly #isImplicit: boolean;
  readonly #record: SampleRecord;
  readonly #controls: AudioControls;
  readonly #sink: SampleSink;

  constructor(options: SpeakerDeviceOptions) {
    const { serialNumber = "0001", received } = options;
    const sampleRates = checkSampleRates(options.sampleRates);
    const release = checkRelease(options);
    const timing = checkTiming(options, release);
    this.speed = release.speed;
    this.#framesPerSecond = release.framesPerSecond;
    this.#isImplicit = timing.feedback?.type === "implicit";
    this.#clockPpm = checkClockPpm(options.clockPpm ?? 0);
    this.#fifo = wholeNumber("fifo", options.fifo ?? 20, 2, 10_000);
    this.#record = new SampleRecord(wholeNumber("record", options.record ?? 2 ** 20, 4, 2 ** 30));
    const fastest = Math.max(...sampleRates.map((rate) => this.#clockOf(rate).samplesPerFrame));
    const { vendorId, productId, endpoint } = speakerProtocol;
    // A correction of the feedback takes a sample more.
    const maxPacketSize = mostSamples(fastest + 1) * sampleSize;
    const audio = audioFunction({
      release,
      streaming: { kind: "speaker", channels, sampleRates, endpoint, maxPacketSize, ...timing },
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
    this.#sink = new SampleSink(this.#record, sampleSize, received, this.#clockOf(this.sampleRate));
    this.#start();
  }

  /** Samples of each channel in a second, as the host has set it. */
  get sampleRate(): number {
    return this.#controls.sampleRate;
  }

  /** Whether the host has muted it. What arrives is recorded all the same. */
  get isMuted(): boolean {
    return this.#controls.feature.isMuted;
  }

  /** In dB, 0 or less, as the host has set it. What arrives is recorded as it is. */
  get volume(): number {
    return this.#controls.feature.volume / 256;
  }

  /** What arrived in the stream that runs, or ran last. */
  get statistics(): PlaybackCounts {
    return this.#sink.counts;
  }

  /** A copy of the latest bytes of that stream: samples of 16 bits, little endian, left and right by turns. */
  recorded(): Uint8Array {
    return this.#record.read();
  }

  endpoint(address: number): VirtualInEndpoint | VirtualOutEndpoint | undefined {
    if (address === speakerProtocol.endpoint) return this.#sink;
    if (address !== speakerProtocol.feedbackEndpoint) return undefined;
    return this.#isImplicit ? this.#sink.capture : this.#sink.feedback;
  }

  alternateSelected(interfaceNumber: number, alternate: number): void {
    if (interfaceNumber === streamingInterface && alternate === 1) this.#start();
  }

  control(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    return setup.type === "class" ? this.#controls.answer(setup, data) : undefined;
  }

  #start(): void {
    const { sampleRate } = this;
    this.#sink.start(this.#clockOf(sampleRate), Math.ceil((this.#fifo * sampleRate) / 1000));
  }

  #clockOf(sampleRate: number): SampleClock {
    return new SampleClock(sampleRate, this.#clockPpm, this.#framesPerSecond);
  }
}

/**
 * Makes a {@link SpeakerDevice}.
 *
 * @throws `InvalidRequestError` for options that are none
 *
 * @example
 * ```ts
 * import { speakerDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * const speaker = speakerDevice({ synchronization: "adaptive" });
 * const bus = new VirtualBus({ devices: [speaker] });
 * console.log(bus.time, speaker.statistics.underruns);
 * ```
 */
export function speakerDevice(options: SpeakerDeviceOptions = {}): SpeakerDevice {
  return new SpeakerDevice(options);
}
