/**
 * A WAV file to a speaker, read as the bus takes it: `wav-to-speaker music.wav 0d8c:0014`. Without a file it is
 * a tone, which is written first; without a device a virtual speaker, and `heard.wav` has what arrived there.
 */
import { speaker } from "rx-isoch/operators/media";
import { fromWav, toWav } from "rx-isoch/operators/node";
import { libusb } from "rx-isoch/transports/libusb";
import { speakerDevice, tone, VirtualBus } from "rx-isoch/transports/virtual";
import { concat, concatMap, defer, EMPTY, ignoreElements, of, reduce, tap } from "rxjs";

const [file, device] = process.argv.slice(2);
const [vendorId, productId] = (device ?? "1209:0004").split(":").map((number) => parseInt(number, 16));
const loudspeaker = speakerDevice();
const transport = device === undefined ? new VirtualBus({ devices: [loudspeaker] }) : libusb();
const format = { sampleRate: 48_000, channels: 2, bits: 16 };

function save(path: string, data: Uint8Array) {
  return of({ format, data }).pipe(toWav(path), ignoreElements());
}

const path = file ?? "tone.wav";
const written = file === undefined ? save(path, new Uint8Array(tone(0, format.sampleRate).buffer)) : EMPTY;
// The format of the file is what the speaker is asked for.
const played = fromWav(path).pipe(
  concatMap(({ data, frames, format }) =>
    of(data).pipe(
      // Half a second in flight: no hurry, where nobody waits to hear.
      speaker(transport, { vendorId, productId }, { ...format, latency: 500 }),
      reduce((sum, { silence, results }) => ({ silence: sum.silence + silence, lost: sum.lost + results.lost }), {
        silence: 0,
        lost: 0,
      }),
      tap(({ silence, lost }) => {
        console.log(
          `${path}: ${frames} samples played, ${silence} of silence between, ${lost} frames without a packet`,
        );
      }),
    ),
  ),
);
const heard = defer(() => (device === undefined ? save("heard.wav", loudspeaker.recorded()) : EMPTY));

concat(written, played, heard).subscribe({
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
});
