import { VirtualBus } from "rx-isoch/transports/virtual";
import { toWebUsb } from "rx-isoch/transports/webusb";
import { DemoDevice } from "../../examples/angular/src/usb/demo-device.js";

// Runs in a page before its own scripts: navigator.usb, held to the specification, with the device of the example.
const bus = new VirtualBus();
let attachment = bus.attach(new DemoDevice());

const { navigator } = globalThis as unknown as { readonly navigator: object };
Object.defineProperty(navigator, "usb", { value: toWebUsb(bus, { protectedClasses: true }) });
Object.assign(globalThis, {
  pageUsb: {
    audit: () => bus.audit(),
    unplug: () => {
      attachment.detach();
    },
    plug: () => {
      attachment = bus.attach(new DemoDevice());
    },
  },
});
