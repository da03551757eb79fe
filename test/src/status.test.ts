import { describe, expect, it } from "vitest";
import { frameStatuses, statusCodes, statusOf } from "../../src/status.js";

describe("status codes", () => {
  it("begin with ok at 0, so that a fresh array reads as all good", () => {
    expect(statusCodes.ok).toBe(0);
  });

  it("are one for each status, there and back, and fit in a byte", () => {
    expect(Object.keys(statusCodes)).toStrictEqual([...frameStatuses]);
    expect(frameStatuses.map((status) => statusOf(statusCodes[status]))).toStrictEqual([...frameStatuses]);
    expect(new Set(frameStatuses).size).toBe(frameStatuses.length);
    expect(frameStatuses.length).toBeLessThan(256);
  });

  it.each([frameStatuses.length, 255, -1, 0.5, Number.NaN])("reads %d, which stands for none, as failed", (code) => {
    expect(statusOf(code)).toBe("failed");
  });

  it("cannot be changed by a program", () => {
    expect(Object.isFrozen(statusCodes)).toBe(true);
  });
});
