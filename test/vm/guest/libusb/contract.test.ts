import { setTimeout as sleep } from "node:timers/promises";
import { libusb, libusbCounters, type LibusbCounters } from "rx-isoch/transports/libusb";
import { afterAll, beforeAll, describe } from "vitest";
import { transportContract, type ContractRig, type ContractTarget } from "../../../transports/contract.js";
import type { ContractDevice } from "../../../transports/contract-device.js";
import { devices, type Controller } from "../../devices.js";
import { parseCapture } from "../support/capture.js";
import { CounterBus, type AttachedCounter } from "../support/counter-devices.js";
import { plugAudio, plugHub, unplug } from "../support/plug.js";
import { readCapture } from "../support/share.js";

type Speed = NonNullable<Parameters<CounterBus["attach"]>[0]>["speed"];

const gaps: ContractTarget["gaps"] = {
  "start-frame": "libusb always submits as soon as possible",
  "frame-number": "libusb hides the bus clock",
  "first-frame": "libusb hides the bus clock",
  halt: "Linux does not let a program halt an isochronous endpoint",
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
  transportContract({
    name: `libusb, ${speed} speed, vhci_hcd`,
    gaps: { ...gaps, overrun: "the virtual device cannot send more than USB/IP asked it for" },
    create: () => createRig(speed),
  });
}

/** usb-audio with 7.1. */
const audio = {
  vendorId: 0x46f4,
  productId: 0x0002,
  interfaceNumber: 1,
  alternates: [0, 1, 2, 3],
  main: { endpoint: 0x01, alternate: 1 },
  out: { endpoint: 0x01, alternate: 1 },
  frameLength: 192,
} as const satisfies Partial<ContractDevice>;

const audioGaps: ContractTarget["gaps"] = {
  ...gaps,
  in: "usb-audio only plays",
  "both-ways": "usb-audio only plays",
  overrun: "usb-audio only plays",
  "vendor-requests": "usb-audio has none",
};

/** What arrived at a usb-audio since an alternate setting other than 0 was last selected. */
function arrivedAt(id: string): Uint8Array[] {
  const { interfaceNumber, main } = audio;
  const events = parseCapture(readCapture({ id })).filter(({ event }) => event === "submit");
  // SET_INTERFACE (USB 2.0, 9.4.10).
  const start = events.findLastIndex(({ setup: [type, request, alternate, , index] = [] }) => {
    return type === 0x01 && request === 11 && alternate !== 0 && index === interfaceNumber;
  });
  return events
    .slice(start + 1)
    .filter(({ transferType, endpoint }) => transferType === "isochronous" && endpoint === main.endpoint)
    .map(({ data }) => data);
}

async function createAudioRig(controller: Controller, name: string): Promise<ContractRig> {
  const ids: string[] = [];
  const attach = async () => {
    const id = `${name}-${ids.length}`;
    ids.push(id);
    await plugAudio(id, { controller, multi: true, capture: true });
    return { serialNumber: id };
  };
  const before = libusbCounters();
  const selector = await attach();
  return {
    transport: libusb(),
    selector,
    pause: () => sleep(300),
    attach,
    detach: () => unplug(selector.serialNumber),
    arrived: ({ serialNumber = "" }) => arrivedAt(serialNumber),
    audit: () => inUseSince(before),
    cleanup: async () => {
      for (const id of ids) await unplug(id);
    },
  };
}

/** Where a usb-audio is plugged in. */
interface Place {
  readonly controller: Controller;
  readonly hub: string | undefined;
  /** usb-audio throws away a packet that is no millisecond of samples. */
  readonly taken: ContractDevice["taken"];
}

const places: readonly Place[] = [
  {
    controller: devices.audioOnXhci.controller,
    hub: undefined,
    taken: (length) => (length === audio.frameLength ? length : 0),
  },
  {
    controller: devices.audioOnUhci.controller,
    // It has two ports, of which one is taken.
    hub: "hub",
    // QEMU's UHCI has it that whatever was sent was taken.
    taken: (length) => length,
  },
];

for (const { controller, hub, taken } of places) {
  describe(`on ${controller.model}`, () => {
    let cases = 0;

    if (hub !== undefined) {
      beforeAll(() => plugHub(hub, controller));
      afterAll(() => unplug(hub));
    }
    transportContract({
      name: `libusb, usb-audio, ${controller.driver}`,
      gaps: audioGaps,
      device: { ...audio, taken },
      // Each case has a capture of its own.
      create: () => createAudioRig(controller, `${controller.id}-${cases++}`),
    });
  });
}
