import { describe, expect, it } from "vitest";
import { parsePayloadHeader } from "../../../../src/class/uvc/index.js";

const parse = (...bytes: readonly number[]) => parsePayloadHeader(Uint8Array.from(bytes));

describe("parsePayloadHeader", () => {
  it("reads every field", () => {
    expect(parse(12, 0xff, 0x78, 0x56, 0x34, 0xf2, 1, 0, 0, 0x80, 0xff, 0xff, 9)).toStrictEqual({
      length: 12,
      frameId: 1,
      endOfFrame: true,
      pts: 0xf2345678,
      scr: { time: 0x80000001, busFrame: 0x7ff },
      payloadSpecific: true,
      still: true,
      error: true,
      endOfHeader: true,
    });
  });

  it("reads a header without time stamps", () => {
    expect(parse(2, 0x80)).toStrictEqual({
      length: 2,
      frameId: 0,
      endOfFrame: false,
      pts: undefined,
      scr: undefined,
      payloadSpecific: false,
      still: false,
      error: false,
      endOfHeader: true,
    });
  });

  it("finds SCR without PTS", () => {
    expect(parse(8, 0x88, 1, 0, 0, 0, 2, 0)).toMatchObject({ pts: undefined, scr: { time: 1, busFrame: 2 } });
  });

  it.each([
    [[2, 0x8c], undefined, undefined],
    [[6, 0x8c, 1, 0, 0, 0], 1, undefined],
    [[11, 0x8c, 1, 0, 0, 0, 2, 0, 0, 0, 3], 1, undefined],
  ] as const)("leaves out time stamps that the header %o has no room for", (bytes, pts, scr) => {
    expect(parse(...bytes)).toMatchObject({ pts, scr });
  });

  it.each([[[]], [[2]], [[0, 0x80]], [[1, 0x80]], [[3, 0x80]], [[255, 0x80, 0, 0]]] as const)(
    "finds none in %o",
    (bytes) => {
      expect(parse(...bytes)).toBeUndefined();
    },
  );

  it("reads within a packet, and not beyond it", () => {
    const bytes = Uint8Array.of(9, 9, 4, 0x81, 0, 0, 2, 0x80);
    expect(parsePayloadHeader(bytes, 2, 4)).toMatchObject({ length: 4, frameId: 1 });
    expect(parsePayloadHeader(bytes, 2, 3)).toBeUndefined();
    expect(parsePayloadHeader(bytes, 6)).toMatchObject({ length: 2, frameId: 0 });
    expect(parsePayloadHeader(bytes, 8)).toBeUndefined();
  });
});
