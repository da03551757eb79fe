/**
 * A webcam into files, without ffmpeg: a still as PNG, then two seconds as AVI, or less at Ctrl-C. The camera is a
 * virtual one; `webcam-to-file 046d:0825` takes a real one by its numbers.
 */
import { writeFile } from "node:fs/promises";
import { camera, type CameraSession } from "rx-isoch/operators/media";
import { toAvi, toPng } from "rx-isoch/operators/node";
import { libusb } from "rx-isoch/transports/libusb";
import { cameraDevice, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { concat, concatMap, fromEvent, map, take, takeUntil } from "rxjs";

const [device] = process.argv.slice(2);
const [vendorId, productId] = (device ?? "1209:0002").split(":").map((number) => parseInt(number, 16));
const transport =
  device === undefined ? new VirtualBus({ devices: [cameraDevice()], clock: unpacedClock() }) : libusb();
const selector = { vendorId, productId };
const size = { width: 640, height: 480 };
let session: CameraSession | undefined;

// A PNG is made of pixels, so the still is taken uncompressed.
const still = camera(transport, selector, { format: "yuy2", ...size }).pipe(
  take(1),
  toPng(),
  concatMap((png) => writeFile("webcam.png", png).then(() => png)),
  map((png) => `webcam.png: ${png.length} bytes`),
);
// The first has closed the camera before the second opens it.
const film = camera(transport, selector, {
  format: "mjpeg",
  ...size,
  frameRate: 30,
  started: (agreed) => (session = agreed),
}).pipe(take(60), takeUntil(fromEvent(process, "SIGINT")));
const clip = film.pipe(
  toAvi("webcam.avi", { queue: 60 }),
  map(({ frames, framesPerSecond }) => `webcam.avi: ${frames} pictures, ${framesPerSecond.toFixed(1)} a second`),
  map((line) => `${line}, ${session?.statistics.dropped ?? 0} dropped`),
);

concat(still, clip).subscribe({
  next: (line) => {
    console.log(line);
  },
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
});
