/**
 * A microphone into a WAV file: a second of it, or less at Ctrl-C. What was lost is silence, so that the file keeps
 * time. The microphone is a virtual one, which hears a tone; `microphone-to-wav 046d:0825` takes a real one by its numbers.
 */
import { microphone } from "rx-isoch/operators/media";
import { toWav } from "rx-isoch/operators/node";
import { libusb } from "rx-isoch/transports/libusb";
import { microphoneDevice, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { fromEvent, takeUntil, takeWhile } from "rxjs";

const [device] = process.argv.slice(2);
const [vendorId, productId] = (device ?? "1209:0003").split(":").map((number) => parseInt(number, 16));
const transport =
  device === undefined ? new VirtualBus({ devices: [microphoneDevice()], clock: unpacedClock() }) : libusb();
const sampleRate = 48_000;

const second = microphone(transport, { vendorId, productId }, { sampleRate, bits: 16, lost: "silence" }).pipe(
  takeWhile((block) => block.firstFrame + block.frames < sampleRate, true),
  takeUntil(fromEvent(process, "SIGINT")),
);

second.pipe(toWav("microphone.wav", { queue: 1000 })).subscribe({
  next: ({ frames, duration, lost }) => {
    console.log(`microphone.wav: ${frames} samples, ${duration.toFixed(3)} s, ${lost} of them lost`);
  },
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
});
