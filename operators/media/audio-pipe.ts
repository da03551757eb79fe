import { concat, NEVER, of, type Observable } from "rxjs";
import { selectClockRate, selectEndpointRate, type ClockOptions } from "../../src/class/uac/index.js";
import { IsochPipe, type PipeSession, type UsbDevice } from "../../src/index.js";
import type { ChosenAudio } from "./audio-choice.js";
import { relyOn } from "./rely-on.js";
import { whileOpen } from "./while-open.js";

/**
 * Sets the clock of a stream of UAC 2.0 before it streams; that of UAC 1.0 waits for its pipe. Streams on one clock run
 * at one rate.
 */
export function onClock<T>(
  device: UsbDevice,
  { audio, alternate, format }: ChosenAudio,
  options: ClockOptions,
  stream: Observable<T>,
): Observable<T> {
  if (alternate.version === 1) return stream;
  const { sampleRate } = format;
  const rate = {
    name: `clock ${audio.controlInterface}.${alternate.clock ?? 0}`,
    value: sampleRate,
    help: (running: unknown) =>
      `another stream of the device runs on the same clock at ${String(running)} Hz: use that sampleRate, or end the other first`,
  };
  const clocked = concat(
    device.claimInterface(audio.controlInterface),
    selectClockRate(device, audio, alternate, sampleRate, options),
    stream,
  );
  return relyOn(device, rate, clocked);
}

/** The pipe of an audio endpoint, which sets the rate of UAC 1.0 once the alternate setting is selected. */
export class AudioPipe extends IsochPipe {
  readonly #rate: Observable<never> | undefined;

  constructor(device: UsbDevice, { alternate, format }: ChosenAudio) {
    super(device, {
      endpoint: alternate.endpoint.address,
      interfaceNumber: alternate.interfaceNumber,
      alternate: alternate.alternate,
    });
    this.#rate = alternate.version === 1 ? selectEndpointRate(device, alternate, format.sampleRate) : undefined;
  }

  override open(): Observable<PipeSession> {
    const rate = this.#rate;
    const opened = super.open();
    return rate === undefined ? opened : whileOpen(opened, (session) => concat(rate, of(session), NEVER));
  }
}
