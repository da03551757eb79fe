import { decode } from "fast-png";
import { firstValueFrom, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { toPng, type CameraPicture } from "../../../operators/node/index.js";
import { failure, plain } from "../../support/plain-error.js";
import { standardCases } from "../../support/standard-cases.js";

const black = [16, 128, 128] as const;
const white = [235, 128, 128] as const;
const red = [81, 90, 240] as const;
const blue = [41, 240, 110] as const;

/** Two columns of colours, four pixels by two. */
function picture(format: "yuy2" | "nv12", left: readonly number[], right: readonly number[]): CameraPicture {
  const [y = 0, u = 0, v = 0] = left;
  const [y2 = 0, u2 = 0, v2 = 0] = right;
  const row = [y, u, y, v, y2, u2, y2, v2];
  const luma = [y, y, y2, y2];
  const data = Uint8Array.from(format === "yuy2" ? [...row, ...row] : [...luma, ...luma, u, v, u2, v2]);
  return { format, width: 4, height: 2, data };
}

const near = (pixel: readonly number[], expected: readonly number[]) => {
  expect(pixel.map((value, i) => Math.abs(value - (expected[i] ?? 0)) <= 2)).toStrictEqual([true, true, true]);
};

describe("toPng", () => {
  standardCases(() => ({ operator: toPng(), value: () => picture("yuy2", black, white) }));

  it.each(["yuy2", "nv12"] as const)("%s: has the pixels where they belong", async (format) => {
    for (const [left, right, first, second] of [
      [black, white, [0, 0, 0], [255, 255, 255]],
      [red, blue, [255, 0, 0], [0, 0, 255]],
    ] as const) {
      const { width, height, channels, data } = decode(
        await firstValueFrom(of(picture(format, left, right)).pipe(toPng())),
      );
      expect([width, height, channels]).toStrictEqual([4, 2, 3]);
      for (let pixel = 0; pixel < 8; pixel++) {
        near([...data.slice(pixel * 3, pixel * 3 + 3)], pixel % 4 < 2 ? first : second);
      }
    }
  });

  it.each([
    ["yuy2", [...[235, 128, 235, 128], ...[81, 90, 81, 240]]],
    ["nv12", [...[235, 235, 81], ...[128, 128, 90, 240]]],
  ] as const)("%s: the last pixel of an odd width has a colour to itself", async (format, bytes) => {
    const odd = { format, width: 3, height: 1, data: Uint8Array.from(bytes) };
    const { data } = decode(await firstValueFrom(of(odd).pipe(toPng())));
    near([...data.slice(3, 6)], [255, 255, 255]);
    near([...data.slice(6, 9)], [255, 0, 0]);
  });

  it.each([
    ["a JPEG", { format: "mjpeg", width: 4, height: 2, data: new Uint8Array(9) }, "invalid-option", "jpegFile"],
    ["another format", { format: "RGB", width: 4, height: 2, data: new Uint8Array(9) }, "invalid-option", "RGB"],
    ["an odd one cut", { format: "yuy2", width: 3, height: 1, data: new Uint8Array(6) }, "length-mismatch", "8 bytes"],
    ["half a picture", { format: "yuy2", width: 4, height: 2, data: new Uint8Array(9) }, "length-mismatch", "16 bytes"],
  ] as const)("refuses %s", async (_, bad, code, part) => {
    const error: unknown = await firstValueFrom(of(bad).pipe(toPng())).catch((reason: unknown) => reason);
    expect(plain(error)).toStrictEqual(failure("InvalidRequestError", code, part));
  });
});
