/**
 * A webcam into the standard input of ffmpeg, which makes a film of it: two seconds as MP4. The camera is a
 * virtual one; `webcam-to-ffmpeg 046d:0825` takes a real one by its numbers.
 */
import { camera, type CameraSession } from "rx-isoch/operators/media";
import { pictureInput, toFfmpeg } from "rx-isoch/operators/node";
import { libusb } from "rx-isoch/transports/libusb";
import { cameraDevice, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { map, take } from "rxjs";

const [device] = process.argv.slice(2);
const [vendorId, productId] = (device ?? "1209:0002").split(":").map((number) => parseInt(number, 16));
const transport =
  device === undefined ? new VirtualBus({ devices: [cameraDevice()], clock: unpacedClock() }) : libusb();
const picture = { format: "mjpeg", width: 640, height: 480 } as const;
const framesPerSecond = 30;
let session: CameraSession | undefined;

camera(
  transport,
  { vendorId, productId },
  { ...picture, frameRate: framesPerSecond, started: (agreed) => (session = agreed) },
)
  .pipe(
    take(60),
    map(({ data }) => data),
    toFfmpeg({
      args: [...pictureInput({ ...picture, framesPerSecond }), "-pix_fmt", "yuv420p", "-y", "webcam.mp4"],
      // Until ffmpeg has started, the pictures wait.
      queue: 60,
    }),
  )
  .subscribe({
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
    complete: () => {
      console.log("webcam.mp4:", session?.statistics.complete, "pictures,", session?.statistics.dropped, "dropped");
    },
  });
