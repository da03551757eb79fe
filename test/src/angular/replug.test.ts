import { describe, expect, it } from "vitest";
import "./test-injector.js";
import { replug } from "../../../src/angular/index.js";
import { BandwidthError, DeviceError } from "../../../src/index.js";
import { inPipe, marbleLab } from "../../support/marble-lab.js";
import { marbles } from "../../support/marbles.js";
import { observedIds, ObservedDevice } from "../../support/observed-device.js";
import { counterDevice } from "../../../transports/virtual/index.js";

const gone = new DeviceError("device-gone", "gone");

describe("replug", () => {
  it(
    "emits when a device that matches is attached, and no other",
    marbles((m) => {
      const lab = marbleLab(m);
      lab.attachment.detach();
      lab.at(300, () => lab.bus.attach(counterDevice()));
      lab.at(400, () => lab.bus.attach(new ObservedDevice()));
      const restart = replug(lab.transport, observedIds);
      m.expect(restart(gone)).toBeObservable("400ms (a|)", { a: expect.anything() as unknown });
      lab.finish();
    }),
  );

  it(
    "gives the list of devices time to lose the one that went, and takes one that came meanwhile",
    marbles((m) => {
      const lab = marbleLab(m);
      lab.at(10, () => {
        lab.attachment.detach();
      });
      lab.at(20, () => lab.bus.attach(new ObservedDevice()));
      m.expect(replug(() => lab.transport)(gone)).toBeObservable("250ms (a|)", { a: expect.anything() as unknown });
      lab.finish();
    }),
  );

  it(
    "waits for a first device too, and restarts after no other error",
    marbles((m) => {
      const lab = marbleLab(m);
      const restart = replug(lab.transport, inPipe);
      const never = new DeviceError("no-such-device", "none");
      m.expect(restart(never), "^ 300ms !").toBeObservable("250ms (a|)", { a: expect.anything() as unknown });
      m.expect(restart(new BandwidthError("bandwidth-exceeded", "full"))).toBeObservable("|");
      lab.finish();
    }),
  );
});
