import { describe, expect, it } from "vitest";
import { faultHelp, parseFault } from "../../../src/cli/faults.js";
import type { VirtualFault } from "../../../transports/virtual/index.js";

const plan = (spec: string) => parseFault(spec)(0x81);

describe("parseFault", () => {
  it.each<[string, VirtualFault]>([
    ["crc@4000", { type: "packet", endpoint: 0x81, frame: 4000, frames: undefined, status: "crc" }],
    ["stall@0x10", { type: "packet", endpoint: 0x81, frame: 0, frames: 10, status: "stall" }],
    [
      "pid-check-failure@7",
      { type: "packet", endpoint: 0x81, frame: 7, frames: undefined, status: "pid-check-failure" },
    ],
    ["short@5000x10", { type: "packet", endpoint: 0x81, frame: 5000, frames: 10, actual: 100 }],
    ["short@5000=4", { type: "packet", endpoint: 0x81, frame: 5000, frames: undefined, actual: 4 }],
    ["short@5000x2=0", { type: "packet", endpoint: 0x81, frame: 5000, frames: 2, actual: 0 }],
    ["halt@6000", { type: "halt", endpoint: 0x81, frame: 6000 }],
    ["unplug@12000", { type: "unplug", frame: 12000 }],
    ["host-stall@8000x400", { type: "host-stall", frame: 8000, frames: 400 }],
    ["jitter=200", { type: "jitter", microseconds: 200 }],
  ])("reads %s", (spec, fault) => {
    expect(plan(spec)).toStrictEqual(fault);
  });

  it.each([
    ["", "looks like"],
    ["crc", "at which frame: crc@4000"],
    ["crc@", "looks like"],
    ["crc@-1", "looks like"],
    ["crc@1.5", "looks like"],
    ["crc@4000x0", "one frame at least"],
    ["crc@4000=3", "takes no value"],
    ["ok@4000", "no fault 'ok'"],
    ["lost@4000", "no fault 'lost'"],
    ["toString@1", "looks like"],
    ["gremlin@4000", "no fault 'gremlin'"],
    ["host-stall@8000", "for how many frames"],
    ["unplug@8000x2", "leave out x2"],
    ["halt@8000x2", "leave out x2"],
    ["jitter@8000", "in microseconds"],
    ["jitter@8000=5", "in microseconds"],
  ])("refuses %j, and says what is missing", (spec, message) => {
    expect(() => plan(spec)).toThrow(message);
  });

  it("takes every example of the help text", () => {
    const examples = faultHelp.match(/^ {2}\S+/gm) ?? [];
    expect(examples).toHaveLength(7);
    for (const example of examples) expect(() => plan(example.trim())).not.toThrow();
  });
});
