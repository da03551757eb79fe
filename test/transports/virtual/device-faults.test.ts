import { describe, expect, it } from "vitest";
import { Completions } from "../../../transports/virtual/completions.js";
import { DeviceFaults } from "../../../transports/virtual/device-faults.js";
import { BusEngine } from "../../../transports/virtual/engine.js";
import { ManualClock } from "../../support/manual-clock.js";

function lab() {
  const clock = new ManualClock();
  const engine = new BusEngine(clock);
  let unplugs = 0;
  const faults = new DeviceFaults({
    engine,
    completions: new Completions(engine, { submitted: 0, completed: 0 }),
    endpoints: new Set([0x81]),
    tick: 125,
    frameNow: () => engine.time / 125,
    unplug: () => {
      unplugs++;
    },
  });
  return { clock, faults, unplugs: () => unplugs };
}

describe("DeviceFaults", () => {
  it("plans all faults, or none where one of them cannot be", () => {
    const { faults, unplugs } = lab();
    expect(() => {
      faults.inject([
        { type: "unplug", frame: 0 },
        { type: "halt", endpoint: 0x82, frame: 0 },
      ]);
    }).toThrow(expect.objectContaining({ code: "invalid-option" }));
    expect(unplugs()).toBe(0);
  });

  it("unplugs at the beginning of a frame, and not before", () => {
    const { clock, faults, unplugs } = lab();
    faults.inject([{ type: "unplug", frame: 8 }]);
    clock.advanceTo(999);
    expect(unplugs()).toBe(0);
    clock.advanceTo(1000);
    expect(unplugs()).toBe(1);
  });

  it("a halt is one from its frame on; one that is to come is not cleared beforehand", () => {
    const { clock, faults } = lab();
    faults.halt(0);
    faults.inject([{ type: "halt", endpoint: 0x81, frame: 8 }]);
    expect([faults.isHalted(0), faults.isHalted(0x81)]).toStrictEqual([true, false]);
    faults.clearHalts();
    expect(faults.isHalted(0)).toBe(false);
    clock.advanceTo(1000);
    expect(faults.isHalted(0x81)).toBe(true);
    faults.clearHalt(0x81);
    expect(faults.isHalted(0x81)).toBe(false);
  });
});
