import {
  counterDevice,
  counterProtocol,
  realTimeClock,
  unpacedClock,
  VirtualBus,
  type BusClock,
  type VirtualBusOptions,
} from "../../transports/virtual/index.js";
import type { IsochTransport } from "../../src/index.js";
import { ownStreams } from "../support/own-streams.js";
import { transportContract, type ContractRig } from "./contract.js";

function virtualRig(
  clock: () => BusClock,
  capabilities: VirtualBusOptions["capabilities"] = {},
  tellFirstFrame?: boolean,
  wrap: (bus: VirtualBus) => IsochTransport = (bus) => bus,
): () => ContractRig {
  return () => {
    const bus = new VirtualBus({ clock: clock(), capabilities, tellFirstFrame });
    const attachment = bus.attach(counterDevice());
    return {
      transport: wrap(bus),
      selector: { vendorId: counterProtocol.vendorId, productId: counterProtocol.productId, serialNumber: "0001" },
      pause: () => new Promise((resolve) => setTimeout(resolve, 20)),
      attach: () => ({ id: bus.attach(counterDevice({ serialNumber: "0002" })).info.id }),
      detach: () => {
        attachment.detach();
      },
      audit: () => {
        const { submitted, completed, ...inUse } = bus.audit();
        return { ...inUse, uncompleted: submitted - completed };
      },
      cleanup: () => undefined,
    };
  };
}

transportContract({ name: "virtual, in real time", gaps: {}, create: virtualRig(realTimeClock) });

transportContract({
  name: "virtual, with streams of its own",
  gaps: {},
  create: virtualRig(realTimeClock, {}, undefined, (bus) => ownStreams(bus, 125)),
});

transportContract({ name: "virtual, unpaced", gaps: {}, create: virtualRig(unpacedClock) });

transportContract({
  name: "virtual with what libusb has on Linux",
  gaps: {
    "start-frame": "every URB is ISO_ASAP",
    "frame-number": "libusb hides the bus clock",
    "first-frame": "libusb hides the bus clock",
  },
  create: virtualRig(realTimeClock, { startFrame: false, frameNumber: false }),
});

transportContract({
  name: "virtual with what libusb has on other systems",
  gaps: {
    "start-frame": "there is none in the interface of libusb",
    "frame-number": "libusb hides the bus clock",
    "first-frame": "libusb hides the bus clock",
    "lengths-per-frame": "WinUSB moves frames of one length",
    "cancel-transfer": "macOS aborts the whole pipe",
    dma: "libusb_dev_mem_alloc is of Linux only",
  },
  create: virtualRig(unpacedClock, {
    startFrame: false,
    frameNumber: false,
    lengthsPerFrame: false,
    cancel: "pipe",
    dma: false,
  }),
});

transportContract({
  name: "virtual with first frames told, and no clock to ask",
  gaps: {
    "frame-number": "the protocol has no request for it",
    blocking: "the answer comes over a socket, which the event loop reads",
    dma: "the controller is in another machine",
  },
  create: virtualRig(realTimeClock, { frameNumber: false, blocking: false, dma: false }, true),
});

transportContract({
  name: "virtual with what WebUSB has",
  gaps: {
    "start-frame": "there is none in the interface of WebUSB",
    "frame-number": "WebUSB hides the bus clock",
    "first-frame": "WebUSB hides the bus clock",
    cancel: "a transfer is a promise, and cannot be called off",
    "cancel-transfer": "a transfer is a promise, and cannot be called off",
    blocking: "a promise cannot be waited for",
    dma: "WebUSB has its own buffers",
  },
  create: virtualRig(realTimeClock, {
    startFrame: false,
    frameNumber: false,
    cancel: "none",
    blocking: false,
    dma: false,
  }),
});
