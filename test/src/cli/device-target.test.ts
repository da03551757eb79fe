import { firstValueFrom, NEVER, of, Subject, switchMap, VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { deviceTarget, type DeviceTargetOptions } from "../../../src/cli/device-target.js";
import { isSound, summarize } from "../../../src/cli/watch/summary.js";
import type { StreamTarget } from "../../../src/cli/target.js";
import type { WatchState } from "../../../src/cli/watch/state.js";
import { watch } from "../../../src/cli/watch/watch.js";
import { DeviceError, EndpointError, IsochError, type DeviceInfo, type IsochTransport } from "../../../src/index.js";
import {
  counterDevice,
  schedulerClock,
  VirtualBus,
  type VirtualBusOptions,
} from "../../../transports/virtual/index.js";
import { cmediaUsbSpeaker, focusriteScarlett2i2 } from "../../fixtures/descriptors/index.js";
import { ObservedDevice, observedOut } from "../../support/observed-device.js";
import { infoOf, plainDevice } from "./device-infos.js";

const patience = { first: 1 };
const find = (transport: IsochTransport, options: DeviceTargetOptions) =>
  firstValueFrom(deviceTarget(transport, { patience, ...options }));

/** A bus as libusb shows one: nobody says on which frame a transfer began. */
function hiddenClock(options: VirtualBusOptions = {}) {
  const scheduler = new VirtualTimeScheduler();
  const capabilities = { frameNumber: false, startFrame: false };
  return { scheduler, bus: new VirtualBus({ clock: schedulerClock(scheduler), capabilities, ...options }) };
}

/** Watches what is found for a second of virtual time. */
function watchFound(scheduler: VirtualTimeScheduler, bus: VirtualBus, options: DeviceTargetOptions) {
  const states: WatchState[] = [];
  let failure: unknown;
  const watchOptions = { duration: 1000, queue: 8, window: 200, interrupt: new Subject(), scheduler };
  deviceTarget(bus, { patience: { scheduler }, ...options })
    .pipe(switchMap((target) => watch(target, watchOptions)))
    .subscribe({
      next: (state) => states.push(state),
      error: (error: unknown) => {
        failure = error;
      },
    });
  scheduler.flush();
  const last = states.at(-1);
  if (last === undefined) throw failure;
  return last;
}

describe("deviceTarget", () => {
  it("finds the device, its first IN endpoint, and that it counts", async () => {
    const transport = new VirtualBus({ devices: [plainDevice(), counterDevice()] });
    expect(await find(transport, { device: "1209:0001" })).toStrictEqual<StreamTarget>({
      transport,
      device: { id: "virtual-2" },
      endpoint: { endpoint: 0x81, alternate: undefined },
      label: "counter 1209:0001 on the virtual bus",
      counter: { skips: false, estimatedLosses: false },
    });
  });

  it("takes the endpoint and the alternate setting that are asked for", async () => {
    const transport = new VirtualBus({ devices: [counterDevice()] });
    expect(await find(transport, { device: "counter", endpoint: 0x01, alternate: 3 })).toMatchObject({
      endpoint: { endpoint: 0x01, alternate: 3 },
    });
  });

  it("expects no counters of another device", async () => {
    const transport = new VirtualBus({ devices: [new ObservedDevice()] });
    expect((await find(transport, { device: "1209:0b5e" })).counter).toBeUndefined();
  });

  it.each<[string, DeviceInfo, number]>([
    ["an OUT endpoint where there is no IN endpoint", infoOf(cmediaUsbSpeaker, { id: "1-1:2" }), 0x06],
    ["the IN endpoint with data, and not the feedback", infoOf(focusriteScarlett2i2, { id: "1-1:2" }), 0x82],
  ])("chooses %s", async (_, device, endpoint) => {
    const { capabilities } = new VirtualBus();
    const devices = () => of({ type: "attach", device } as const);
    const transport = { name: "scripted", capabilities, devices, open: () => NEVER };
    expect((await find(transport, { device: "1-1:2" })).endpoint.endpoint).toBe(endpoint);
  });

  it("says what is not there", async () => {
    const transport = new VirtualBus({ devices: [plainDevice()] });
    await expect(find(transport, { device: "camera" })).rejects.toBeInstanceOf(DeviceError);
    const error: unknown = await find(transport, { device: "hub" }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EndpointError);
    expect(IsochError.is(error) && error.message).toBe(
      "hub 1d6b:0002 (virtual-1) has no isochronous endpoints: the command list shows what has",
    );
  });
});

describe("a watch of a device that was found", () => {
  it("streams from the alternate setting that was asked for", () => {
    const { scheduler, bus } = hiddenClock({ devices: [counterDevice()] });
    const summary = summarize(watchFound(scheduler, bus, { device: "counter", alternate: 3 }));
    expect(summary).toMatchObject({ interfaceNumber: 0, alternate: 3, frameLength: 1024, lost: 0, end: "finished" });
    expect(summary.counters).toStrictEqual({ inSequence: summary.delivered, skipped: 0, wrong: 0 });
    expect(isSound(summary)).toBe(true);
  });

  it("errors where the alternate setting does not have the endpoint", () => {
    const { scheduler, bus } = hiddenClock({ devices: [counterDevice()] });
    expect(() => watchFound(scheduler, bus, { device: "counter", alternate: 2 })).toThrow(EndpointError);
  });

  it("counts anew behind a loss whose length is estimated", () => {
    const { scheduler, bus } = hiddenClock();
    bus.attach(counterDevice()).inject({ type: "host-stall", frame: 2000, frames: 4000 });
    const summary = summarize(watchFound(scheduler, bus, { device: "counter" }));
    expect(summary.lost).toBeGreaterThan(3000);
    expect(summary.counters).toStrictEqual({ inSequence: summary.delivered, skipped: 0, wrong: 0 });
    expect(isSound(summary)).toBe(true);
  });

  it("does not take a skipped counter for sound where no loss was seen", () => {
    const { scheduler, bus } = hiddenClock({ devices: [counterDevice({ clockPpm: 500 })] });
    const summary = summarize(watchFound(scheduler, bus, { device: "counter" }));
    expect(summary.counters).toMatchObject({ skipped: 4, wrong: 0 });
    expect(summary).toMatchObject({ lost: 0, checks: { conserved: true, counters: false } });
    expect(isSound(summary)).toBe(false);
  });

  it("sends silence to a device that is no counter", () => {
    const { scheduler, bus } = hiddenClock();
    const device = new ObservedDevice();
    bus.attach(device);
    const summary = summarize(watchFound(scheduler, bus, { device: "1209:0b5e", endpoint: observedOut }));
    expect(summary).toMatchObject({ direction: "out", frameLength: 64, end: "finished", lost: 0 });
    expect(summary).not.toHaveProperty("statistics");
    expect(summary.delivered).toBeGreaterThan(1000);
    expect(device.sent.every(({ length, counter }) => length === 64 && counter === 0)).toBe(true);
  });

  it("sends counters to a counter device", () => {
    const { scheduler, bus } = hiddenClock({ devices: [counterDevice()] });
    const summary = summarize(watchFound(scheduler, bus, { device: "1209:0001", endpoint: 0x01 }));
    expect(summary.statistics).toStrictEqual({ packets: summary.delivered, mismatches: 0, short: 0 });
  });
});
