import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jpegFile } from "../../src/jpeg-file.js";

const startOfImage = [0xff, 0xd8];
const quantization = [0xff, 0xdb, 0, 4, 1, 2];
const scan = [0xff, 0xda, 0, 3, 9, 0x12, 0x34, 0xff, 0xd9];

describe("jpegFile", () => {
  it("puts the tables directly before the scan, where there are none", () => {
    const file = jpegFile(Uint8Array.from([...startOfImage, ...quantization, 0xff, ...scan]));
    expect([...file.subarray(0, 9)]).toStrictEqual([...startOfImage, ...quantization, 0xff]);
    expect([...file.subarray(9, 13)]).toStrictEqual([0xff, 0xc4, 0x01, 0xa2]);
    expect([...file.subarray(9 + 2 + 0x1a2)]).toStrictEqual(scan);
  });

  it("its tables are four, whole, and without a code twice", () => {
    const file = jpegFile(Uint8Array.from([...startOfImage, ...scan]));
    const tables: [number, number][] = [];
    let at = 6;
    while (at < 2 + 2 + 0x1a2) {
      const counts = [...file.subarray(at + 1, at + 17)];
      const count = counts.reduce((sum, each) => sum + each, 0);
      const symbols = file.subarray(at + 17, at + 17 + count);
      expect(new Set(symbols).size).toBe(count);
      // Room for all codes, and the one of all ones left free (T.81, C.2).
      expect(counts.reduce((sum, each, i) => sum + each * 2 ** (15 - i), 0)).toBeLessThan(2 ** 16);
      tables.push([file[at] ?? -1, count]);
      at += 17 + count;
    }
    expect(at).toBe(2 + 2 + 0x1a2);
    expect(tables).toStrictEqual([
      [0x00, 12],
      [0x01, 12],
      [0x10, 162],
      [0x11, 162],
    ]);
  });

  it("leaves one that has them as it is, and twice does no more than once", () => {
    const once = jpegFile(Uint8Array.from([...startOfImage, ...scan]));
    expect(jpegFile(once)).toBe(once);
  });

  it("leaves what is no JPEG, or ends too early, as it is", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), (bytes, begins) => {
        const picture = begins ? Uint8Array.from([...startOfImage, ...quantization.slice(0, 4), ...bytes]) : bytes;
        const file = jpegFile(picture);
        expect([picture.length, picture.length + 0x1a4]).toContain(file.length);
        if (file.length === picture.length) expect(file).toBe(picture);
      }),
    );
    for (const bytes of [[], startOfImage, [...startOfImage, ...quantization], [...startOfImage, 0xff, 0xda]]) {
      const picture = Uint8Array.from(bytes);
      expect(jpegFile(picture)).toBe(picture);
    }
  });
});
