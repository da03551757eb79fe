import { toRgba, type VideoFrame } from "../../class/uvc/index.js";

/** How many colours a terminal has, as chalk tells it: 0 none, 1 sixteen, 2 256, 3 all. */
export type ColorLevel = 0 | 1 | 2 | 3;

/** From black to white, where there are no colours for it. */
const ramp = " ░▒▓█";

/** A picture can be drawn no larger than this, in cells. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

/**
 * A raw picture as lines of half blocks, two pixels in a cell, one above the other; as large as there is room for. It
 * is scaled by taking the pixel in the middle of each.
 */
export function halfBlocks(
  picture: Pick<VideoFrame, "format" | "width" | "height" | "data">,
  { columns, rows }: Room,
  level: ColorLevel,
): string[] {
  const { width, height } = picture;
  const across = Math.max(1, Math.floor(Math.min(columns, (2 * rows * width) / height, width)));
  const down = Math.max(1, Math.round((across * height) / width / 2));
  const rgba = toRgba(picture);
  const at = (column: number, line: number): Color => {
    const x = Math.floor(((column + 0.5) * width) / across);
    const y = Math.floor(((line + 0.5) * height) / (2 * down));
    const offset = 4 * (y * width + x);
    return [rgba[offset] ?? 0, rgba[offset + 1] ?? 0, rgba[offset + 2] ?? 0];
  };
  return Array.from({ length: down }, (_, row) => {
    let line = "";
    let style = "";
    for (let column = 0; column < across; column++) {
      const above = at(column, 2 * row);
      const below = at(column, 2 * row + 1);
      if (level < 2) {
        line += shade(above, below);
        continue;
      }
      const wanted = `\u001b[38;${code(above, level)};48;${code(below, level)}m`;
      line += wanted === style ? "▀" : `${wanted}▀`;
      style = wanted;
    }
    return level < 2 ? line : `${line}\u001b[0m`;
  });
}

type Color = readonly [red: number, green: number, blue: number];

function code([red, green, blue]: Color, level: ColorLevel): string {
  if (level === 3) return `2;${red};${green};${blue}`;
  const step = (value: number) => Math.round((value / 255) * 5);
  return `5;${16 + 36 * step(red) + 6 * step(green) + step(blue)}`;
}

function shade(above: Color, below: Color): string {
  const light = ([red, green, blue]: Color) => 0.299 * red + 0.587 * green + 0.114 * blue;
  return ramp.charAt(Math.round(((light(above) + light(below)) / 510) * (ramp.length - 1)));
}
