/**
 * A webcam into the standard input of ffmpeg, which makes a film of it: two seconds as MP4. The camera is a
 * virtual one; `webcam-to-ffmpeg 046d:0825` takes a real one by its numbers.
 */
import { camera } from "rx-isoch/operators/media";
import { pictureInput, toFfmpeg } from "rx-isoch/operators/node";
import { libusb } from "rx-isoch/transports/libusb";
import { cameraDevice, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { map, take, tap } from "rxjs";

const [device] = process.argv.slice(2);
const [vendorId, productId] = (device ?? "1209:0002").split(":").map((number) => parseInt(number, 16));
const transport =
  device === undefined ? new VirtualBus({ devices: [cameraDevice()], clock: unpacedClock() }) : libusb();
const picture = { format: "mjpeg", width: 640, height: 480 } as const;
const framesPerSecond = 30;
let count = 0;

camera(transport, { vendorId, productId }, { ...picture, frameRate: framesPerSecond })
  .pipe(
    take(60),
    tap(() => count++),
    map(({ data }) => data),
    toFfmpeg({
      args: [...pictureInput({ ...picture, framesPerSecond }), "-pix_fmt", "yuv420p", "-y", "webcam.mp4"],
      // Until ffmpeg has started, the pictures wait.
      queue: 60,
    }),
  )
  .subscribe({
    error: console.error,
    complete: () => {
      console.log(`webcam.mp4: ${count} pictures`);
    },
  });
