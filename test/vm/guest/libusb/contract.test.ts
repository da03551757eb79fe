import { setTimeout as sleep } from "node:timers/promises";
import { libusb, libusbCounters, type LibusbCounters } from "rx-isoch/transports/libusb";
import { transportContract, type ContractRig, type ContractTarget } from "../../../transports/contract.js";
import { CounterBus, type AttachedCounter } from "../support/counter-devices.js";

type Speed = NonNullable<Parameters<CounterBus["attach"]>[0]>["speed"];

const gaps: ContractTarget["gaps"] = {
  "start-frame": "libusb always submits as soon as possible",
  "frame-number": "libusb hides the bus clock",
  "first-frame": "libusb hides the bus clock",
  "exclusive-claim":
    "a second handle of usbfs in the same process is another owner, but the kernel refuses SET_INTERFACE",
  halt: "Linux does not let a program halt an isochronous endpoint",
  overrun: "the virtual device cannot send more than USB/IP asked it for",
};

/** What a case has in use, whatever one before it left behind. */
function inUseSince(before: LibusbCounters): Record<string, number> {
  // What the collector has not found yet is no leak.
  const { buffers: _, ...now } = libusbCounters();
  return Object.fromEntries(
    Object.entries(now).map(([name, count]) => [name, count - before[name as keyof typeof now]]),
  );
}

async function createRig(speed: Speed): Promise<ContractRig> {
  const bus = await CounterBus.open();
  const counters: AttachedCounter[] = [];
  const attach = async () => {
    const serialNumber = String(counters.length);
    counters.push(await bus.attach({ speed, serialNumber }));
    return { vendorId: 0x1209, productId: 0x0001, serialNumber };
  };
  const before = libusbCounters();
  const selector = await attach();
  return {
    transport: libusb(),
    selector,
    pause: () => sleep(300),
    attach,
    detach: async () => {
      await counters[0]?.unplug();
    },
    audit: () => inUseSince(before),
    cleanup: () => bus.close(),
  };
}

for (const speed of ["full", "high", "super"] as const) {
  transportContract({ name: `libusb, ${speed} speed, vhci_hcd`, gaps, create: () => createRig(speed) });
}
