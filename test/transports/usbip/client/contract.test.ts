import { lastValueFrom, Observable } from "rxjs";
import { counterDevice, realTimeClock, VirtualBus } from "rx-isoch/transports/virtual";
import { usbip, UsbipServer, type ByteStream } from "rx-isoch/transports/usbip";
import { listenWebSocket } from "rx-isoch/transports/usbip/serve";
import { connectTcp, listenTcp } from "rx-isoch/transports/usbip/tcp";
import { connectWebSocket } from "rx-isoch/transports/usbip/websocket";
import { WebSocket } from "ws";
import { transportContract, type ContractRig, type ContractTarget } from "../../contract.js";
import { memoryStreams } from "../memory-stream.js";

/** Milliseconds between two looks at the list. */
const interval = 5;
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

/** A connection within the program, at each subscription. */
function connectMemory(server: UsbipServer, chunk?: number): Observable<ByteStream> {
  return new Observable((subscriber) => {
    const [near, far] = memoryStreams(chunk);
    server.accept(far).subscribe({ error: () => undefined });
    subscriber.next(near);
    subscriber.complete();
  });
}

function rig(reach: (server: UsbipServer) => Observable<ByteStream> | Promise<Observable<ByteStream>>) {
  return async (): Promise<ContractRig> => {
    const bus = new VirtualBus({ clock: realTimeClock() });
    const attachment = bus.attach(counterDevice());
    const server = new UsbipServer({ transports: [bus] });
    return {
      transport: usbip({ connect: await reach(server), interval }),
      // The list tells no serial numbers.
      selector: { id: "1-1" },
      pause,
      attach: async () => {
        bus.attach(counterDevice({ serialNumber: "0002" }));
        // Between two looks at the list, nobody could say what came first.
        await pause();
        return { id: "1-2" };
      },
      detach: () => {
        attachment.detach();
      },
      audit: () => {
        const { submitted, completed, ...inUse } = bus.audit();
        return { ...inUse, uncompleted: submitted - completed, clients: server.clients };
      },
      cleanup: () => lastValueFrom(server.close(), { defaultValue: undefined }),
    };
  };
}

/** What a listener tells of first. It listens until the server is closed. */
function listening<T>(server: UsbipServer, listener: Observable<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const subscription = listener.subscribe({ next: resolve, error: reject });
    const close = server.close.bind(server);
    server.close = () => {
      subscription.unsubscribe();
      return close();
    };
  });
}

const gaps: ContractTarget["gaps"] = {
  "frame-number": "the protocol has no request for it",
  blocking: "the answer comes over a socket, which the event loop reads",
  dma: "the controller is in another machine",
  reset: "the protocol has no request for it",
};

transportContract({
  name: "usbip, to our server in memory",
  gaps,
  create: rig((server) => connectMemory(server)),
});

transportContract({
  name: "usbip, to our server in memory, in chunks that fit nothing",
  gaps,
  create: rig((server) => connectMemory(server, 1013)),
});

transportContract({
  name: "usbip, to our server over TCP",
  gaps,
  create: rig(async (server) => connectTcp(await listening(server, listenTcp(server, { port: 0 })))),
});

transportContract({
  name: "usbip, to our server over WebSocket",
  gaps,
  create: rig(async (server) => {
    const { url } = await listening(server, listenWebSocket(server, { port: 0 }));
    return connectWebSocket({ url, WebSocket });
  }),
});
