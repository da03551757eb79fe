import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutIntoPieces } from "../../../../transports/usbip/client/pieces.js";

const megabyte = 1 << 20;

describe("the pieces of a request", () => {
  it("are one where it is small", () => {
    expect(cutIntoPieces(Uint32Array.of(3, 0, 5), 125)).toStrictEqual([{ first: 0, count: 3, offset: 0, length: 8 }]);
  });

  it.each([
    ["packets", 3000, 64, 125, [1024, 1024, 952]],
    ["bytes", 700, 3072, 125, [341, 341, 18]],
    ["time", 300, 64, 1000, [128, 128, 44]],
    ["time, one frame at least", 3, 64, 4_096_000, [1, 1, 1]],
    ["bytes, one frame at least", 3, 2 * megabyte, 125, [1, 1, 1]],
  ])("are limited in %s", (_what, frames, length, duration, counts) => {
    const pieces = cutIntoPieces(new Uint32Array(frames).fill(length), duration);
    expect(pieces.map(({ count }) => count)).toStrictEqual(counts);
  });

  it("cover every frame once", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: megabyte }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(125, 1000, 32_000),
        (lengths, duration) => {
          let first = 0;
          let offset = 0;
          for (const piece of cutIntoPieces(Uint32Array.from(lengths), duration)) {
            expect(piece).toMatchObject({ first, offset });
            const sum = lengths.slice(first, first + piece.count).reduce((total, length) => total + length, 0);
            expect(piece.length).toBe(sum);
            first += piece.count;
            offset += sum;
          }
          expect(first).toBe(lengths.length);
        },
      ),
    );
  });
});
