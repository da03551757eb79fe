import { createInterface } from "node:readline";
import { VirtualBus } from "rx-isoch/transports/virtual";
import { serve } from "rx-isoch/transports/usbip/serve";
import { DemoDevice } from "../../examples/angular/src/usb/demo-device.js";
import { demoIds } from "../../examples/angular/src/usb/protocol.js";

// node bridge.js <origin>: serves the device of the example to pages of that origin. Prints its URL, and
// answers each line of its input with one of JSON: what the bus has in use, and how many sockets there are and
// were. Ends with its input.
const [origin = ""] = process.argv.slice(2);
const bus = new VirtualBus();
let attachment = bus.attach(new DemoDevice());
let connected = 0;
let disconnected = 0;

const subscription = serve({
  transports: [bus],
  devices: [demoIds],
  tcp: false,
  webSocket: { port: 0, origins: [origin] },
}).subscribe({
  next: (event) => {
    if (event.type === "listening" && event.carrier === "websocket") console.log(event.address.url);
    if (event.type === "connected") connected++;
    if (event.type === "disconnected") disconnected++;
  },
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
});

createInterface({ input: process.stdin })
  .on("line", (command) => {
    if (command === "unplug") attachment.detach();
    if (command === "plug") attachment = bus.attach(new DemoDevice());
    console.log(JSON.stringify({ ...bus.audit(), sockets: connected - disconnected, connected }));
  })
  .on("close", () => {
    subscription.unsubscribe();
  });
