import { switchMap } from "rxjs";
import { describe, expect, it } from "vitest";
import { isochPipe, openDevice } from "../../src/index.js";
import { marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { observedIds, observedIn } from "../support/observed-device.js";
import { failure, plainErrors } from "../support/plain-error.js";
import { slowTransport } from "../support/slow-transport.js";

describe("openDevice", () => {
  it(
    "emits the device, does not complete, and closes it with the unsubscribe",
    marbles((m) => {
      const lab = marbleLab(m, { devices: [] });
      const unsub = "         ^---!";
      const expected = "      d----";
      const open = openDevice(lab.transport, observedIds).pipe(
        switchMap((device) => [
          [device.info.descriptor.vendorId, device.configuration.value, device.capabilities.startFrame],
        ]),
      );
      m.expect(open, unsub).toBeObservable(expected, { d: [observedIds.vendorId, 1, true] });
      m.scheduler.schedule(() => {
        expect(lab.bus.audit().openDevices).toBe(1);
      }, 3);
      lab.finish();
    }),
  );

  it(
    "errors where there is no such device",
    marbles((m) => {
      const lab = marbleLab(m);
      const open = openDevice(lab.transport, { vendorId: 0xdead });
      m.expect(open.pipe(plainErrors())).toBeObservable("#", {}, failure("DeviceError", "no-such-device"));
      lab.finish();
    }),
  );

  it(
    "unsubscribe-while-opening leaves nothing open",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler, { delay: 3 }));
      m.expect(openDevice(lab.transport, observedIds), "^-!").toBeObservable("---");
      m.scheduler.schedule(() => {
        expect(lab.bus.audit().openDevices).toBe(1);
      }, 1);
      lab.finish();
    }),
  );

  it(
    "closes the device after the pipes on it, at an unsubscribe from both at once",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
      const streaming = openDevice(lab.transport, observedIds).pipe(
        switchMap((device) => isochPipe(device, { endpoint: observedIn }).results({ frames: 2, queue: 2 })),
        switchMap(({ firstFrame }) => [firstFrame]),
      );
      const unsub = "         ^--------!";
      const expected = "      -----a-b--";
      m.expect(streaming, unsub).toBeObservable(expected, { a: 3, b: 5 });
      lab.finish();
    }),
  );
});
