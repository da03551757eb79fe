import { decode } from "jpeg-js";
import { describe, expect, it } from "vitest";
import { InvalidRequestError } from "../../../../../src/index.js";
import { readTestCard, testCard, testCardNumber, type CameraFormat } from "../../../../../transports/virtual/index.js";
import { TestCardPainter } from "../../../../../transports/virtual/devices/camera/test-card.js";

const formats: readonly CameraFormat[] = ["yuy2", "nv12", "mjpeg"];
const numbers = [0, 1, 2, 0x1234, 0xffffffff];

/** Y, Cb, Cr of each pixel, as another decoder has them. */
function decoded(picture: Uint8Array): Uint8Array {
  return decode(picture, { useTArray: true, colorTransform: false, formatAsRGBA: false }).data;
}

describe("testCard", () => {
  it.each([
    ["yuy2", 614_400],
    ["nv12", 460_800],
  ] as const)("%s of 640 × 480 has %i bytes", (format, length) => {
    expect(testCard(format, 640, 480, 0)).toHaveLength(length);
  });

  it.each(formats)("%s: a number can be read back", (format) => {
    for (const number of numbers) {
      expect(testCardNumber(format, 320, 240, testCard(format, 320, 240, number))).toBe(number);
    }
  });

  it("jpeg: the number can be read from its pixels, and they are those of yuy2, exactly", () => {
    for (const number of numbers) {
      const pixels = decoded(testCard("mjpeg", 640, 480, number));
      const raw = testCard("yuy2", 640, 480, number);
      expect(readTestCard(640, 480, (x, y) => pixels[3 * (y * 640 + x)] ?? 0)).toBe(number);
      const differing: number[] = [];
      for (let i = 0; i < 640 * 480; i++) {
        const pair = 4 * (i >> 1);
        const [y, cb, cr] = [raw[2 * i], raw[pair + 1], raw[pair + 3]];
        if (pixels[3 * i] !== y || pixels[3 * i + 1] !== cb || pixels[3 * i + 2] !== cr) differing.push(i);
      }
      expect(differing.slice(0, 5)).toStrictEqual([]);
    }
  });

  it("nv12 has the brightness of yuy2, and half of its lines of colour", () => {
    const [raw, planar] = [testCard("yuy2", 320, 240, 9), testCard("nv12", 320, 240, 9)];
    const even = raw.filter((_, i) => i % 2 === 0);
    const odd = raw.filter((_, i) => i % 2 === 1 && Math.floor(i / 640) % 2 === 0);
    expect(planar).toStrictEqual(Uint8Array.from([...even, ...odd]));
  });

  it.each(formats)("%s: painted one after the other, they are the same as each for itself", (format) => {
    const painter = new TestCardPainter(format, 320, 240);
    for (const number of [0, 1, 2, 3, 40, 7]) {
      expect(Buffer.from(painter.paint(number)).equals(testCard(format, 320, 240, number))).toBe(true);
    }
  });

  it.each(formats)("%s: no two are the same, nor is any stretch of their lower third", (format) => {
    const [one, next] = [testCard(format, 320, 240, 5), testCard(format, 320, 240, 6)];
    const middle = format === "nv12" ? Math.floor(one.length * 0.55) : Math.floor(one.length * 0.8);
    expect(Buffer.from(one.subarray(middle, middle + 512)).equals(next.subarray(middle, middle + 512))).toBe(false);
  });

  it("numbers above 32 bits begin again", () => {
    expect(testCard("mjpeg", 320, 240, 2 ** 32 + 3)).toStrictEqual(testCard("mjpeg", 320, 240, 3));
  });

  it.each([
    [300, 240],
    [320, 100],
    [304, 240],
    [320, 80],
    [NaN, 240],
  ])("%s × %s is refused", (width, height) => {
    expect(() => testCard("yuy2", width, height, 0)).toThrow(InvalidRequestError);
  });

  it("other formats and numbers are refused", () => {
    expect(() => testCard("h264" as CameraFormat, 320, 240, 0)).toThrow(InvalidRequestError);
    expect(() => testCard("yuy2", 320, 240, -1)).toThrow(InvalidRequestError);
    expect(testCardNumber("mjpeg", 320, 240, new Uint8Array(100))).toBeUndefined();
  });
});
