import { beforeAll } from "vitest";
import { replay } from "rx-isoch/transports/replay";
import { counterDevice, counterProtocol, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { transportContract, type ContractTarget } from "../contract.js";
import { counterContract } from "../contract-device.js";
import { record } from "./support.js";

let capture: Uint8Array;

// Long enough for every case: five seconds, of which a case uses what it needs.
beforeAll(async () => {
  const bus = new VirtualBus({ clock: unpacedClock() });
  bus.attach(counterDevice({ speed: "full" }));
  ({ bytes: capture } = await record(bus, counterProtocol.inEndpoint, 625, { frames: 8, queue: 4 }));
});

const gaps: ContractTarget["gaps"] = {
  "start-frame": "a replay begins where the capture does",
  "frame-number": "there is no bus",
  blocking: "the capture may be read from a file",
  dma: "there is no controller",
  hotplug: "devices that are in a capture are there",
  halt: "what was recorded comes, whatever the host asks for",
  overrun: "what was recorded comes",
  out: "the bytes that are sent go nowhere",
  "both-ways": "the bytes that are sent go nowhere",
  sizes: "what was recorded comes, in whatever alternate setting",
  "vendor-requests": "only what was asked is known",
};

const { vendorId, productId, interfaceNumber, alternates, main, frameLength, taken } = counterContract;

// Without its smaller endpoint: what was recorded is as large as it is.
const device = { vendorId, productId, interfaceNumber, alternates, main, in: main, frameLength, taken };

for (const pace of ["recorded", "fast"] as const) {
  transportContract({
    name: `replay, ${pace}`,
    gaps: pace === "recorded" ? gaps : { ...gaps, pace: "nothing but the consumer says how fast frames come" },
    device,
    create: () => ({
      transport: replay(capture, { pace }),
      selector: { vendorId, productId, serialNumber: "0001" },
      pause: () => new Promise((resolve) => setTimeout(resolve, pace === "recorded" ? 300 : 20)),
      cleanup: () => undefined,
    }),
  });
}
