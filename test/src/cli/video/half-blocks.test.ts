import { describe, expect, it } from "vitest";
import { halfBlocks } from "../../../../src/cli/video/half-blocks.js";

/** Four pixels by four: the upper half white, the lower one black. */
const picture = {
  format: "yuy2",
  width: 4,
  height: 4,
  data: Uint8Array.from({ length: 32 }, (_, i) => (i % 2 === 1 ? 128 : i < 16 ? 235 : 16)),
} as const;
const white = "255;255;255";
const black = "0;0;0";

describe("halfBlocks", () => {
  it("has two pixels in a cell, and says a colour once", () => {
    expect(halfBlocks(picture, { columns: 80, rows: 20 }, 3)).toStrictEqual([
      `\u001b[38;2;${white};48;2;${white}m▀▀▀▀\u001b[0m`,
      `\u001b[38;2;${black};48;2;${black}m▀▀▀▀\u001b[0m`,
    ]);
  });

  it("is as large as there is room for, in its own proportions", () => {
    const [line, ...others] = halfBlocks(picture, { columns: 2, rows: 20 }, 3);
    expect(line).toBe(`\u001b[38;2;${white};48;2;${black}m▀▀\u001b[0m`);
    expect(others).toStrictEqual([]);
    expect(halfBlocks(picture, { columns: 80, rows: 1 }, 3)).toStrictEqual([line]);
  });

  it("does with 256 colours, and with none", () => {
    expect(halfBlocks(picture, { columns: 2, rows: 1 }, 2)).toStrictEqual(["\u001b[38;5;231;48;5;16m▀▀\u001b[0m"]);
    expect(halfBlocks(picture, { columns: 80, rows: 20 }, 0)).toStrictEqual(["████", "    "]);
  });
});
