/**
 * A device of another machine: a bridge serves it over TCP, and a client streams from it as from any
 * other. Both are in this one program, over loopback; `serve` and `usbip` are all that two would need.
 */
import { isochPipe } from "rx-isoch";
import { throughput } from "rx-isoch/operators";
import { counterDevice, counterProtocol, VirtualBus } from "rx-isoch/transports/virtual";
import { usbip } from "rx-isoch/transports/usbip";
import { serve } from "rx-isoch/transports/usbip/serve";
import { connectTcp } from "rx-isoch/transports/usbip/tcp";
import { filter, Subject, switchMap, take } from "rxjs";

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
        .results()
        .pipe(throughput({ window: 500 }), take(1));
    }),
  )
  .subscribe({
    next: ({ framesPerSecond, lost }) => {
      console.log(`${framesPerSecond > 0 ? "frames came over the network" : "nothing came"}, ${lost} lost`);
      stop.next();
    },
    error: console.error,
    complete: () => {
      console.log("closed");
    },
  });
