import { concat, concatMap, defer, dematerialize, materialize, of, switchMap, type Observable } from "rxjs";
import { selectClockRate, selectEndpointRate } from "../../src/class/uac/index.js";
import {
  IsochPipe,
  openDevice,
  UsbDevice,
  type DeviceSelector,
  type IsochTransport,
  type PipeSession,
} from "../../src/index.js";
import type { ChosenAudio } from "./audio-choice.js";

/** Opens a device for as long as what is done with it lasts; a device that is open stays open. */
export function withDevice<T>(
  source: IsochTransport | UsbDevice,
  selector: DeviceSelector,
  use: (device: UsbDevice) => Observable<T>,
): Observable<T> {
  if (source instanceof UsbDevice) return defer(() => use(source));
  return openDevice(source, selector).pipe(
    // The end of what is done is the end of all, although the device would stay open.
    switchMap((device) => use(device).pipe(materialize())),
    dematerialize(),
  );
}

/** Sets the clock of a stream of UAC 2.0; that of UAC 1.0 waits for its pipe. */
export function prepareClock(device: UsbDevice, { audio, alternate, format }: ChosenAudio): Observable<never> {
  return concat(
    device.claimInterface(audio.controlInterface),
    selectClockRate(device, audio, alternate, format.sampleRate),
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
    return rate === undefined ? opened : opened.pipe(concatMap((session) => concat(rate, of(session))));
  }
}
