import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toRgba } from "../../../../src/class/uvc/index.js";
import { failure, thrown } from "../../../support/plain-error.js";

/** The formula of BT.601-7 or BT.709-6 in floating point, rounded once. */
function exact([y, cb, cr]: readonly [number, number, number], [red, blue]: readonly [number, number]): number[] {
  const luma = (255 / 219) * (y - 16);
  const [b, r] = [(255 / 224) * (cb - 128), (255 / 224) * (cr - 128)];
  const green = 1 - red - blue;
  const rgb = [
    luma + 2 * (1 - red) * r,
    luma - (2 * (1 - blue) * blue * b + 2 * (1 - red) * red * r) / green,
    luma + 2 * (1 - blue) * b,
  ];
  return [...rgb.map((value) => Math.min(255, Math.max(0, Math.round(value)))), 255];
}

const yuy2 = (width: number, height: number, ...data: readonly number[]) => ({
  format: "yuy2" as const,
  width,
  height,
  data: Uint8Array.from(data),
});

describe("toRgba", () => {
  it.each([
    ["black", [16, 128, 128], [0, 0, 0, 255]],
    ["white", [235, 128, 128], [255, 255, 255, 255]],
    ["grey", [126, 128, 128], [128, 128, 128, 255]],
    ["red", [81, 90, 240], [254, 0, 0, 255]],
    ["green", [145, 54, 34], [0, 255, 1, 255]],
    ["blue", [41, 240, 110], [0, 0, 255, 255]],
    ["more than white", [255, 128, 128], [255, 255, 255, 255]],
    ["less than black", [0, 128, 128], [0, 0, 0, 255]],
  ] as const)("%s", (_, [y, cb, cr], expected) => {
    expect([...toRgba(yuy2(2, 1, y, cb, y, cr))]).toStrictEqual([...expected, ...expected]);
  });

  it.each([
    ["bt601", [0.299, 0.114]],
    ["bt709", [0.2126, 0.0722]],
  ] as const)("is exact to the rounding with %s, for every luma and chroma", (matrix, weights) => {
    const level = fc.nat(255);
    fc.assert(
      fc.property(level, level, level, (y, cb, cr) => {
        const actual = [...toRgba(yuy2(2, 1, y, cb, y, cr), { matrix }).subarray(0, 4)];
        const expected = exact([y, cb, cr], weights);
        actual.forEach((value, i) => {
          // A tie may fall either way.
          expect(Math.abs(value - (expected[i] ?? 0))).toBeLessThanOrEqual(1);
        });
        expect(actual.filter((value, i) => value !== expected[i]).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 5000 },
    );
  });

  it("places pixels of YUY2", () => {
    const frame = yuy2(2, 2, 16, 128, 235, 128, 235, 128, 16, 128);
    expect([...toRgba(frame)].filter((_, i) => i % 4 === 0)).toStrictEqual([0, 255, 255, 0]);
  });

  it("places pixels of NV12: a plane of luma, then chroma for four pixels", () => {
    const luma = [16, 235, 16, 235, 235, 16, 235, 16];
    const chroma = [128, 128, 90, 240];
    const rgba = toRgba({ format: "nv12", width: 4, height: 2, data: Uint8Array.of(...luma, ...chroma) });
    expect([...rgba.subarray(0, 8)]).toStrictEqual([0, 0, 0, 255, 255, 255, 255, 255]);
    expect([...rgba.subarray(8, 12)]).toStrictEqual(exact([16, 90, 240], [0.299, 0.114]));
    expect([...rgba.subarray(24, 28)]).toStrictEqual(exact([235, 90, 240], [0.299, 0.114]));
  });

  it.each([1, 3])("takes a width of %i, which is odd", (width) => {
    const line = Array.from({ length: Math.ceil(width / 2) }, () => [235, 128, 235, 128]).flat();
    expect(toRgba(yuy2(width, 1, ...line)).every((value) => value === 255)).toBe(true);
    const data = new Uint8Array(width * 3 + 4 * Math.ceil(width / 2)).fill(235, 0, 3 * width).fill(128, 3 * width);
    expect(toRgba({ format: "nv12", width, height: 3, data }).every((value) => value === 255)).toBe(true);
  });

  it("shows what a frame lacks as black", () => {
    expect([...toRgba(yuy2(2, 2, 235, 128, 235, 128))].filter((_, i) => i % 4 < 3)).toStrictEqual([
      ...Array<number>(6).fill(255),
      ...Array<number>(6).fill(0),
    ]);
  });

  it("refuses what is no raw picture", () => {
    expect(thrown(() => toRgba({ ...yuy2(2, 1), format: "mjpeg" }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "mjpeg", "decode"),
    );
    expect(thrown(() => toRgba(yuy2(0, 1)))).toStrictEqual(failure("InvalidRequestError", "invalid-number", "width"));
    expect(thrown(() => toRgba(yuy2(2, 1), { matrix: "srgb" as "bt601" }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "bt601, bt709"),
    );
  });
});
