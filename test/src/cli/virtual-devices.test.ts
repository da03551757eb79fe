import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/cli/outcome.js";
import { virtualDevice, virtualKinds } from "../../../src/cli/virtual-devices.js";

describe("virtualDevice", () => {
  it.each([
    ["counter", "high"],
    ["camera", "high"],
    ["microphone", "full"],
    ["speaker", "full"],
  ] as const)("makes a %s of %s speed", (kind, speed) => {
    expect(virtualKinds).toContain(kind);
    expect(virtualDevice(kind, { clockPpm: 0 })).toMatchObject({ speed, strings: ["rx-isoch", kind, "0001"] });
  });

  it("takes a speed for the counter alone", () => {
    expect(virtualDevice("counter", { clockPpm: 0, speed: "full" }).speed).toBe("full");
    expect(() => virtualDevice("camera", { clockPpm: 0, speed: "full" })).toThrow(UsageError);
  });
});
