import { describe, expect, it } from "vitest";
import { statusCodes, type FrameStatus } from "../../../src/index.js";
import { translateStatuses } from "../../../transports/libusb/statuses.js";

function translated(...native: number[]): { ours: FrameStatus[]; native: number[] | undefined } {
  const statuses = Uint8Array.from(native);
  const kept = translateStatuses(statuses);
  const names = Object.entries(statusCodes) as [FrameStatus, number][];
  const ours = Array.from(statuses, (code) => names.find(([, each]) => each === code)?.[0] ?? "ok");
  return { ours, native: kept && [...kept] };
}

describe("statuses of libusb", () => {
  it("leaves good frames alone, and keeps no copy of them", () => {
    expect(translated(0, 0, 0)).toStrictEqual({ ours: ["ok", "ok", "ok"], native: undefined });
  });

  it.each<[string, number, FrameStatus]>([
    ["LIBUSB_TRANSFER_ERROR", 1, "failed"],
    ["LIBUSB_TRANSFER_TIMED_OUT", 2, "failed"],
    ["LIBUSB_TRANSFER_CANCELLED", 3, "cancelled"],
    ["LIBUSB_TRANSFER_STALL", 4, "stall"],
    ["LIBUSB_TRANSFER_NO_DEVICE", 5, "device-not-responding"],
    ["LIBUSB_TRANSFER_OVERFLOW", 6, "data-overrun"],
  ])("reads %s as a status of ours, and keeps the number", (_, code, status) => {
    expect(translated(0, code)).toStrictEqual({ ours: ["ok", status], native: [0, code] });
  });

  it("reads a frame without a turn as such, and as the error that libusb has for it", () => {
    expect(translated(7)).toStrictEqual({ ours: ["not-complete"], native: [1] });
  });

  it("reads a number that it does not know as a failure, and keeps it", () => {
    expect(translated(200)).toStrictEqual({ ours: ["failed"], native: [200] });
  });

  it("has no turn of nothing", () => {
    expect(translated()).toStrictEqual({ ours: [], native: undefined });
  });
});
