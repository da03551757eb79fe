/**
 * A webcam of another machine: a picture of it as PNG. There, `npx rx-isoch serve 046d:0825 --tcp 0.0.0.0:3240` is the
 * bridge; here, `remote-device 192.168.1.20:3240 046d:0825` has its camera as if it were plugged in. Both take the token
 * from RX_ISOCH_TOKEN. Without an address both ends are in this program, and the camera is a virtual one.
 */
import { writeFile } from "node:fs/promises";
import { camera, type CameraSession } from "rx-isoch/operators/media";
import { toPng } from "rx-isoch/operators/node";
import { usbip } from "rx-isoch/transports/usbip";
import { serve } from "rx-isoch/transports/usbip/serve";
import { connectTcp, type TcpAddress } from "rx-isoch/transports/usbip/tcp";
import { cameraDevice, VirtualBus } from "rx-isoch/transports/virtual";
import { concatMap, filter, Subject, switchMap, take, tap } from "rxjs";

const [server, device = "1209:0002"] = process.argv.slice(2);
const [vendorId, productId] = device.split(":").map((number) => parseInt(number, 16));
const token = process.env["RX_ISOCH_TOKEN"];
let session: CameraSession | undefined;

/** A picture of the camera at a bridge. */
function still({ host, port }: TcpAddress) {
  const remote = usbip({ connect: connectTcp({ host, port, token }) });
  const picture = { format: "yuy2", width: 320, height: 240 } as const;
  return camera(remote, { vendorId, productId }, { ...picture, started: (agreed) => (session = agreed) }).pipe(
    take(1),
    toPng(),
    concatMap((png) => writeFile("remote.png", png).then(() => png.length)),
  );
}

/** The same, of a bridge in this program, which is stopped then. */
function stillOfHere() {
  const stop = new Subject<void>();
  return serve({
    transports: [new VirtualBus({ devices: [cameraDevice()] })],
    devices: [{ vendorId, productId }],
    tcp: { port: 0, token },
    webSocket: false,
    stop,
  }).pipe(
    filter((event) => event.type === "listening"),
    switchMap(({ address }) => still(address)),
    tap(() => {
      stop.next();
    }),
  );
}

function stillOf(address: string) {
  const { hostname, port } = new URL(`tcp://${address}`);
  return still({ host: hostname, port: Number(port || 3240) });
}

(server === undefined ? stillOfHere() : stillOf(server)).subscribe({
  next: (bytes) => {
    console.log(`remote.png: ${bytes} bytes, ${session?.statistics.lostFrames ?? 0} frames of the bus lost`);
  },
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
  complete: () => {
    console.log("closed");
  },
});
