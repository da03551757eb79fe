import { describe, expect, it } from "vitest";
import { interfaceHolder } from "../../../transports/libusb/interface-holder.js";

// Who does hold an interface is asked of a real kernel, in test/vm: sysfs and /proc are the subject.
describe("the holder of an interface", () => {
  it("is not known of a device that is not there", () => {
    expect(interfaceHolder({ bus: 999, address: 999, ports: [1] }, 1, 0)).toBeUndefined();
  });
});
