import type { TestScheduler } from "rxjs/testing";
import { expect } from "vitest";
import type { IsochTransport } from "../../src/index.js";
import type { VirtualBus } from "../../transports/virtual/index.js";
import { marbleBus, type MarbleBusOptions } from "../../transports/virtual/testing/index.js";
import { ObservedDevice, observedIds, observedIn, observedOut } from "./observed-device.js";
import { strictTransport, type StrictTransport } from "./strict-transport.js";

/** The pipes of an {@link ObservedDevice}. */
export const inPipe = { ...observedIds, endpoint: observedIn } as const;
export const outPipe = { ...observedIds, endpoint: observedOut } as const;

interface MarbleContext {
  readonly scheduler: TestScheduler;
  flush(): void;
}

/** A marble bus with an {@link ObservedDevice} on it, behind a check of both ends of the transport contract. */
export function marbleLab(
  m: MarbleContext,
  options: MarbleBusOptions = {},
  wrap: (bus: IsochTransport) => IsochTransport = (bus) => bus,
) {
  const bus = marbleBus(m.scheduler, options);
  const device = new ObservedDevice();
  const attachment = bus.attach(device);
  const transport = strictTransport(wrap(bus));
  return {
    bus,
    device,
    attachment,
    transport,
    /** Does something on a marble frame, before the bus does anything there. */
    at: (frame: number, act: () => void) => {
      m.scheduler.schedule(act, frame);
    },
    /** Lets everything happen; then nothing may be open, and nobody may have broken the contract. */
    finish: () => {
      m.flush();
      expectClean(bus, transport);
    },
  };
}

/** Nothing is open, nothing in flight, and nobody broke the contract. */
export function expectClean(bus: VirtualBus, transport?: StrictTransport): void {
  expect(transport?.violations ?? []).toStrictEqual([]);
  const { submitted, completed, ...open } = bus.audit();
  expect(open).toStrictEqual({ openDevices: 0, claimedInterfaces: 0, inFlight: 0, dmaBuffers: 0 });
  expect(completed).toBe(submitted);
}
