/**
 * A device of another machine: a bridge serves it over TCP, and a client streams from it as from any
 * other. Both are in this one program, over loopback; `serve` and `usbip` are all that two would need.
 */
import { isochPipe } from "rx-isoch";
import { counterDevice, counterProtocol, VirtualBus } from "rx-isoch/transports/virtual";
import { usbip } from "rx-isoch/transports/usbip";
import { serve } from "rx-isoch/transports/usbip/serve";
import { connectTcp } from "rx-isoch/transports/usbip/tcp";
import { filter, reduce, Subject, switchMap, take } from "rxjs";

const { vendorId, productId, inEndpoint } = counterProtocol;
const stop = new Subject<void>();

const bridge = serve({
  transports: [new VirtualBus({ devices: [counterDevice()] })],
  devices: [{ vendorId, productId }],
  tcp: { port: 0 },
  webSocket: false,
  stop,
});

bridge
  .pipe(
    filter((event) => event.type === "listening"),
    switchMap(({ address }) => {
      const remote = usbip({ connect: connectTcp(address) });
      return isochPipe(remote, { vendorId, productId, endpoint: inEndpoint })
        .results({ frames: 64 })
        .pipe(
          take(50),
          reduce((sum, { length, lost }) => ({ frames: sum.frames + length, lost: sum.lost + lost }), {
            frames: 0,
            lost: 0,
          }),
        );
    }),
  )
  .subscribe({
    next: ({ frames, lost }) => {
      console.log(`${frames} frames came over the network, ${lost} lost`);
      stop.next();
    },
    error: console.error,
    complete: () => {
      console.log("closed");
    },
  });
