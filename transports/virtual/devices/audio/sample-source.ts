import type { VirtualInEndpoint } from "../../device-model.js";
import type { AudioControls } from "./audio-controls.js";
import { mostSamples, sampleBytes } from "./layout.js";
import type { SampleClock } from "./sample-clock.js";
import type { Tone } from "./tone.js";

/** What became of the samples of a microphone, each of all its channels. */
export interface SampleCounts {
  readonly sent: number;
  /** Those that had no room in the FIFO, because the host did not ask in time. */
  readonly lost: number;
}

interface Stream {
  readonly tone: Tone;
  readonly clock: SampleClock;
  /** Samples that wait at most. */
  readonly fifo: number;
  readonly most: number;
}

/** The IN endpoint of a microphone. */
export class SampleSource implements VirtualInEndpoint {
  readonly direction = "in";
  readonly #controls: AudioControls;
  #stream: Stream | undefined;
  #first: number | undefined;
  #sent = 0;
  #lost = 0;

  constructor(controls: AudioControls) {
    this.#controls = controls;
  }

  get counts(): SampleCounts {
    return { sent: this.#sent, lost: this.#lost };
  }

  /** @param fifo samples that wait for the host at most */
  start(tone: Tone, clock: SampleClock, fifo: number): void {
    this.#stream = { tone, clock, fifo, most: mostSamples(clock.samplesPerFrame) };
    this.#first = undefined;
    this.#sent = this.#lost = 0;
  }

  produce(frame: number, buffer: Uint8Array, offset: number, capacity: number): number {
    if (this.#stream === undefined || !this.#controls.isClockValid) return 0;
    const { tone, clock, fifo, most } = this.#stream;
    this.#first ??= frame;
    const waiting = clock.samplesIn(frame - this.#first + 1) - this.#sent - this.#lost;
    const count = Math.min(waiting, most);
    this.#lost += Math.max(0, waiting - count - fifo);
    const packet = count * tone.channels * sampleBytes;
    const samples = Math.floor(Math.min(packet, capacity) / sampleBytes);
    const first = this.#sent + this.#lost;
    const { isMuted, volume } = this.#controls.feature;
    const gain = isMuted ? 0 : 10 ** (volume / 256 / 20);
    for (let i = 0; i < samples; i++) {
      const exact = tone.sample(first + Math.floor(i / tone.channels), i % tone.channels);
      const sample = gain === 1 ? exact : Math.round(exact * gain);
      buffer[offset + 2 * i] = sample & 0xff;
      buffer[offset + 2 * i + 1] = (sample >> 8) & 0xff;
    }
    this.#sent += count;
    return packet;
  }
}
