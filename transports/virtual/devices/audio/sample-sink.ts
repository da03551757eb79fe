import type { VirtualInEndpoint, VirtualOutEndpoint } from "../../device-model.js";
import { PlaybackFifo, type FifoCounts } from "./fifo.js";
import type { SampleClock } from "./sample-clock.js";
import type { SampleRecord } from "./sample-record.js";

/** What arrived at a speaker. */
export interface PlaybackCounts extends FifoCounts {
  readonly packets: number;
  /** Samples of all channels. */
  readonly samples: number;
  /** Packets that ended within a sample. */
  readonly malformed: number;
}

/** The OUT endpoint of a speaker, and what tells the host how much it takes: by a number, or by samples. */
export class SampleSink implements VirtualOutEndpoint {
  readonly direction = "out";
  readonly feedback: VirtualInEndpoint = {
    direction: "in",
    produce: (_frame, buffer, offset, capacity) => this.#tell(buffer.subarray(offset, offset + capacity)),
  };
  /** Silence, as many samples of it as are taken in the same time. */
  readonly capture: VirtualInEndpoint = {
    direction: "in",
    produce: (frame, buffer, offset, capacity) => this.#mirror(frame, buffer.subarray(offset, offset + capacity)),
  };
  readonly #record: SampleRecord;
  readonly #sampleSize: number;
  readonly #received: ((packet: Uint8Array) => void) | undefined;
  #clock: SampleClock;
  #fifo: PlaybackFifo;
  #packets = 0;
  #samples = 0;
  #malformed = 0;

  constructor(
    record: SampleRecord,
    sampleSize: number,
    received: ((packet: Uint8Array) => void) | undefined,
    clock: SampleClock,
  ) {
    this.#record = record;
    this.#sampleSize = sampleSize;
    this.#received = received;
    this.#clock = clock;
    this.#fifo = new PlaybackFifo(clock, 0);
  }

  get counts(): PlaybackCounts {
    return { packets: this.#packets, samples: this.#samples, malformed: this.#malformed, ...this.#fifo.counts };
  }

  /** @param capacity of the FIFO, in samples */
  start(clock: SampleClock, capacity: number): void {
    this.#clock = clock;
    this.#fifo = new PlaybackFifo(clock, capacity);
    this.#record.clear();
    this.#packets = this.#samples = this.#malformed = 0;
  }

  consume(frame: number, buffer: Uint8Array, offset: number, length: number): void {
    const packet = buffer.subarray(offset, offset + length);
    const samples = Math.floor(length / this.#sampleSize);
    this.#packets++;
    this.#samples += samples;
    if (samples * this.#sampleSize !== length) this.#malformed++;
    this.#fifo.push(frame, samples);
    this.#record.push(packet);
    this.#received?.(packet.slice());
  }

  /**
   * Samples per frame in 10.14 bits, or per microframe in 16.16 (USB 2.0, 5.12.4.2), so that the FIFO stays half full.
   */
  #tell(buffer: Uint8Array): number {
    const { framesPerSecond, samplesPerFrame } = this.#clock;
    const [bits, length] = framesPerSecond === 1000 ? [14, 3] : [16, 4];
    // A sample in a millisecond at most.
    const correction = (Math.min(1, Math.max(-1, -this.#fifo.excess / 256)) * 1000) / framesPerSecond;
    const value = Math.round((samplesPerFrame + correction) * 2 ** bits);
    for (let i = 0; i < Math.min(length, buffer.length); i++) buffer[i] = (value >> (8 * i)) & 0xff;
    return length;
  }

  #mirror(frame: number, buffer: Uint8Array): number {
    const length = (this.#clock.samplesIn(frame + 1) - this.#clock.samplesIn(frame)) * this.#sampleSize;
    buffer.fill(0, 0, length);
    return length;
  }
}
