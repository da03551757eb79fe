import { describe, expect, it } from "vitest";
import { toControlSetup } from "../../../../transports/webusb/shape/control.js";
import type { WebUsbControlSetup } from "../../../../transports/webusb/index.js";

const parameters: WebUsbControlSetup = { requestType: "vendor", recipient: "device", request: 1, value: 2, index: 3 };

describe("toControlSetup", () => {
  it("cuts numbers to their fields, as WebIDL does", () => {
    const wide = { ...parameters, request: 0x101, value: 0x1_0002, index: -1 };
    expect(toControlSetup(wide, "in")).toStrictEqual({
      direction: "in",
      type: "vendor",
      recipient: "device",
      request: 1,
      value: 2,
      index: 0xffff,
    });
  });

  it.each([{ requestType: "reserved" }, { recipient: "hub" }])("refuses %j", (word) => {
    expect(() => toControlSetup({ ...parameters, ...word } as WebUsbControlSetup, "out")).toThrow(TypeError);
  });
});
