import { NEVER, Observable, throwError, VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { presentDevices } from "../../../src/cli/present-devices.js";
import { UnsupportedError, type DeviceEvent } from "../../../src/index.js";
import { counterDevice, VirtualBus } from "../../../transports/virtual/index.js";

const bus = new VirtualBus();
const info = (serialNumber: string) => bus.attach(counterDevice({ serialNumber })).info;
const [one, two] = [info("1"), info("2")];

/** What comes of a transport that tells of these devices. */
function outcome(events: (scheduler: VirtualTimeScheduler) => Observable<DeviceEvent>) {
  const scheduler = new VirtualTimeScheduler();
  const seen: { ids?: string[]; at?: number; error?: unknown; unsubscribed?: true } = {};
  const devices = new Observable<DeviceEvent>((subscriber) => {
    subscriber.add(() => {
      seen.unsubscribed = true;
    });
    subscriber.add(events(scheduler).subscribe(subscriber));
  });
  const { capabilities } = bus;
  presentDevices(
    { name: "scripted", capabilities, devices: () => devices, open: () => NEVER },
    { scheduler },
  ).subscribe({
    next: (present) => {
      seen.ids = present.map(({ id }) => id);
      seen.at = scheduler.now();
    },
    error: (error: unknown) => {
      seen.error = error;
    },
  });
  scheduler.flush();
  return seen;
}

/** Events at these milliseconds, without an end. */
const script =
  (...events: readonly [at: number, type: DeviceEvent["type"], device: DeviceEvent["device"]][]) =>
  (scheduler: VirtualTimeScheduler) =>
    new Observable<DeviceEvent>((subscriber) => {
      for (const [at, type, device] of events) {
        subscriber.add(
          scheduler.schedule(() => {
            subscriber.next({ type, device });
          }, at),
        );
      }
    });

describe("presentDevices", () => {
  it("takes those that are told of at once", () => {
    expect(outcome(() => bus.devices())).toStrictEqual({
      ids: ["virtual-1", "virtual-2"],
      at: 0,
      unsubscribed: true,
    });
  });

  it("waits for a transport that takes its time", () => {
    const events = script([1900, "attach", one], [1900, "attach", two], [5000, "detach", one]);
    expect(outcome(events)).toStrictEqual({ ids: ["virtual-1", "virtual-2"], at: 1900, unsubscribed: true });
  });

  it("leaves out what has gone meanwhile", () => {
    const events = script([10, "attach", one], [10, "attach", two], [10, "detach", one]);
    expect(outcome(events)).toMatchObject({ ids: ["virtual-2"], at: 10 });
  });

  it("does not wait for what is plugged in later", () => {
    const events = script([10, "attach", one], [11, "attach", two]);
    expect(outcome(events)).toMatchObject({ ids: ["virtual-1"], at: 10 });
  });

  it("finds nothing where nothing is", () => {
    expect(outcome(() => NEVER)).toStrictEqual({ ids: [], at: 2000, unsubscribed: true });
  });

  it("passes an error on", () => {
    const error = new UnsupportedError("no-addon", "there is none");
    expect(outcome(() => throwError(() => error))).toStrictEqual({ error, unsubscribed: true });
  });
});
