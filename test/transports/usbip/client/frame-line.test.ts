import { describe, expect, it } from "vitest";
import { FrameLine } from "../../../../transports/usbip/client/frame-line.js";

describe("the frames of the wire", () => {
  it("count on beyond 32 bits", () => {
    const line = new FrameLine(1, 125);
    const first = 2 ** 32 - 10;
    expect(line.place(first, 8, "asap", 0)).toBe(first);
    expect(line.place(2 ** 32 - 2, 8, "asap", 0)).toBe(first + 8);
    expect(line.place(6, 8, "asap", 0)).toBe(first + 16);
    expect(line.place(100, 8, "asap", 0)).toBe(2 ** 32 + 100);
    expect(line.reached).toBe(2 ** 32 + 108);
  });

  it("are service intervals, of several microframes", () => {
    const line = new FrameLine(8, 1000);
    expect(line.place(83, 2, "asap", 0)).toBe(10);
    expect(line.place(99, 1, "asap", 0)).toBe(12);
    expect(line.toWire(13)).toBe(104);
    expect(line.toWire(2 ** 29 + 1)).toBe(8);
  });

  it("stand near the start that was asked for, when it is the first", () => {
    const line = new FrameLine(1, 125);
    const wanted = 3 * 2 ** 32 + 5;
    expect(line.place(7, 1, wanted, 0)).toBe(wanted + 2);
    expect(new FrameLine(1, 125).place(2 ** 32 - 1, 1, 3, 0)).toBe(2 ** 32 - 1);
  });

  it("show whether a start was kept, late or not, or was none of the server's concern", () => {
    const line = new FrameLine(8, 1000);
    line.place(80, 1, "asap", 0);
    line.place(8 * 20 + 3, 1, 20, 0);
    line.place(8 * 35, 1, 30, 0);
    expect(line.takesStarts).toBe(true);
    line.place(8 * 49, 1, 50, 0);
    expect(line.takesStarts).toBe(false);
    expect(line.isTold).toBe(true);
  });

  it("are not believed any more once they go back", () => {
    const line = new FrameLine(1, 125);
    line.place(8180, 8, "asap", 0);
    expect(line.isTold).toBe(true);
    // EHCI counts to 8191 microframes.
    expect(line.place(0, 8, "asap", 0)).toBeUndefined();
    expect(line.isTold).toBe(false);
    expect(line.place(9000, 8, "asap", 0)).toBeUndefined();
  });

  it("tell how long it is until a frame, from the last that was heard", () => {
    const line = new FrameLine(1, 125);
    expect(line.timeUntil(1000, 5)).toBe(0);
    line.place(100, 10, "asap", 1_000_000);
    expect(line.timeUntil(118, 1_000_000)).toBe(1000);
    expect(line.timeUntil(118, 1_000_400)).toBe(600);
    expect(line.timeUntil(118, 2_000_000)).toBe(0);
  });
});
