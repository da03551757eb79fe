import { describe, expect, it } from "vitest";
import { Changes } from "../../../../transports/webusb/shape/changes.js";

/** Which checks let a call through. */
function free(changes: Changes): Record<string, boolean> {
  const passes = (check: () => void) => {
    try {
      check();
      return true;
    } catch {
      return false;
    }
  };
  return {
    none: passes(() => {
      changes.checkNone();
    }),
    device: passes(() => {
      changes.checkDevice();
    }),
    interface0: passes(() => {
      changes.checkInterface(0);
    }),
    interface1: passes(() => {
      changes.checkInterface(1);
    }),
  };
}

const allFree = { none: true, device: true, interface0: true, interface1: true };

describe("Changes", () => {
  it("a change of an interface stands in the way of its own next one, and of those of the device", async () => {
    const changes = new Changes();
    await changes.ofInterface(0, () => {
      expect(free(changes)).toStrictEqual({ ...allFree, none: false, interface0: false });
      return Promise.resolve();
    });
    expect(free(changes)).toStrictEqual(allFree);
  });

  it("a change of the device is over when it has failed, too", async () => {
    const changes = new Changes();
    const failing = changes.ofDevice(() => Promise.reject(new Error("refused")));
    expect(free(changes)).toStrictEqual({ ...allFree, none: false, device: false });
    await expect(failing).rejects.toThrow("refused");
    expect(free(changes)).toStrictEqual(allFree);
  });
});
