import { asyncScheduler } from "rxjs";
import type { IsochTransport } from "rx-isoch";
import { counterDevice, counterProtocol, realTimeClock, VirtualBus } from "rx-isoch/transports/virtual";
import { toWebUsb, webusb, type WebUsb } from "rx-isoch/transports/webusb";
import { slowTransport } from "../../support/slow-transport.js";
import { transportContract, type ContractRig, type ContractTarget } from "../contract.js";
import { abortsAsFailures, alteredUsb } from "./altered-device.js";

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

interface Variant {
  readonly framesPerCall?: number;
  readonly wrap?: (bus: VirtualBus) => IsochTransport;
  readonly browser?: (usb: WebUsb) => WebUsb;
}

function rig({ framesPerCall, wrap = (bus) => bus, browser = (usb) => usb }: Variant = {}): () => ContractRig {
  return () => {
    const bus = new VirtualBus({ clock: realTimeClock() });
    const attachment = bus.attach(counterDevice());
    return {
      transport: webusb({ usb: browser(toWebUsb(wrap(bus), { protectedClasses: true })), framesPerCall }),
      selector: { vendorId: counterProtocol.vendorId, productId: counterProtocol.productId, serialNumber: "0001" },
      pause,
      queue: 64,
      attach: async () => {
        bus.attach(counterDevice({ serialNumber: "0002" }));
        await pause();
        return { serialNumber: "0002" };
      },
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

const gaps: ContractTarget["gaps"] = {
  "start-frame": "there is none in the interface of WebUSB",
  "frame-number": "WebUSB hides the bus clock",
  "first-frame": "WebUSB hides the bus clock",
  cancel: "a transfer is a promise, and cannot be called off",
  "cancel-transfer": "a transfer is a promise, and cannot be called off",
  blocking: "a promise cannot be waited for",
  dma: "WebUSB has its own buffers",
};

transportContract({ name: "webusb, over a USBDevice that holds to the specification", gaps, create: rig() });

transportContract({ name: "webusb, in calls that fit nothing", gaps, create: rig({ framesPerCall: 5 }) });

transportContract({
  name: "webusb, over one whose steps take time",
  gaps,
  create: rig({ wrap: (bus) => slowTransport(bus, asyncScheduler) }),
});

transportContract({
  name: "webusb, over one that aborts as Chromium on Linux does",
  gaps,
  create: rig({ browser: (usb) => alteredUsb(usb, abortsAsFailures) }),
});
