import type { Observable } from "rxjs";
import type { IsochTransport, StreamOptions, UsbDevice } from "../../src/index.js";
import { checkClockOptions, type ClockOptions } from "../../src/class/uac/clock-options.js";
import { wholeNumber } from "../../src/numbers.js";
import { chooseAudio, type AudioFormatOptions, type AudioSelector } from "./audio-choice.js";
import { AudioPipe, onClock } from "./audio-pipe.js";
import type { PcmBlock } from "./pcm-block.js";
import { pcmBlocks, type PcmBlocksOptions } from "./pcm-blocks.js";
import { withDevice } from "./with-device.js";

/** The format that a microphone is to have, what becomes of losses, and of a clock that is not valid. */
export interface MicrophoneOptions extends AudioFormatOptions, PcmBlocksOptions, ClockOptions {
  /** How the endpoint is streamed: transfers, ring, what happens when the consumer is too slow. */
  readonly stream?: StreamOptions | undefined;
}

/**
 * The sound of a microphone, or of any other input of the audio class (UAC 1.0 and 2.0), as blocks of samples.
 *
 * With the subscription, the device is opened, an alternate setting that has the format selected, and its rate set and
 * checked; the unsubscribe stops, releases and closes. A transport opens the device for each subscription; a device
 * that is open stays open, and other pipes of it, a speaker for one, can run beside.
 *
 * A device of UAC 2.0 is asked whether its clock is valid (5.2.5.1.2), and waited for until it is; where it runs on an
 * external one that nothing is connected to, it is made to run on another that is valid and has the rate:
 * {@link ClockOptions}.
 *
 * Errors: `EndpointError` `no-such-format`, which says what formats there are; `DeviceError` `rate-refused`, or
 * `clock-invalid`, which says which clock it is; those of `IsochPipe.results`.
 *
 * @example
 * ```ts
 * import type { IsochTransport } from "rx-isoch";
 * import { microphone } from "rx-isoch/operators/media";
 *
 * export const listen = (transport: IsochTransport) =>
 *   microphone(transport, { vendorId: 0x054c }, { sampleRate: 48_000, channels: 2 }).subscribe((block) => {
 *     console.log(block.firstFrame, block.frames, block.lost);
 *   });
 * ```
 *
 * @see speaker
 */
export function microphone(
  source: IsochTransport | UsbDevice,
  selector: AudioSelector,
  options: MicrophoneOptions = {},
): Observable<PcmBlock> {
  const sampleRate = wholeNumber("sampleRate", options.sampleRate ?? 48_000, 1, 2 ** 20);
  const clock = checkClockOptions(options);
  return withDevice(source, selector, (device) => {
    const chosen = chooseAudio(device, { ...options, sampleRate, selector, direction: "in" });
    const blocks = new AudioPipe(device, chosen).results(options.stream).pipe(pcmBlocks(chosen.format, options));
    return onClock(device, chosen, clock, blocks);
  });
}
