import { concat, NEVER, of, type Observable } from "rxjs";
import { selectClockRate, selectEndpointRate, type ClockOptions } from "../../src/class/uac/index.js";
import { IsochPipe, type PipeSession, type UsbDevice } from "../../src/index.js";
import type { ChosenAudio } from "./audio-choice.js";
import { whileOpen } from "./while-open.js";

/** Sets the clock of a stream of UAC 2.0; that of UAC 1.0 waits for its pipe. */
export function prepareClock(
  device: UsbDevice,
  { audio, alternate, format }: ChosenAudio,
  options?: ClockOptions,
): Observable<never> {
  return concat(
    device.claimInterface(audio.controlInterface),
    selectClockRate(device, audio, alternate, format.sampleRate, options),
  );
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
