/** From where to where an axis goes, what is written at it, and how far apart. */
export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly label: string;
}

/** Points that are drawn in one colour, with a name. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** A line through the points, a dot at each, or a bar from the ground to each, as wide as `width`. */
  readonly as: "line" | "dots" | "bars";
  /** Of a bar, on the axis of x. */
  readonly width?: number;
}

const size = { width: 720, height: 260 };
const margin = { left: 64, right: 32, top: 34, bottom: 44 };
const plane = {
  width: size.width - margin.left - margin.right,
  height: size.height - margin.top - margin.bottom,
};

/** A plot as SVG: the same text for the same points. Later series are drawn above earlier ones. */
export function plot(x: Axis, y: Axis, series: readonly Series[]): string {
  const toX = (value: number) => margin.left + ((value - x.from) / (x.to - x.from)) * plane.width;
  const toY = (value: number) => margin.top + plane.height - ((value - y.from) / (y.to - y.from)) * plane.height;
  const at = (value: number) => String(Math.round(value * 10) / 10);
  const ground = toY(Math.max(0, y.from));
  const draw = ({ as, colour, points, width = 0 }: Series): string => {
    switch (as) {
      case "line": {
        const path = points.map(([left, up]) => `${at(toX(left))},${at(toY(up))}`).join(" ");
        return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
      }
      case "dots": {
        const path = points.map(([left, up]) => `M${at(toX(left))},${at(toY(up))}h0`).join("");
        return `<path d="${path}" stroke="${colour}" stroke-width="4" stroke-linecap="round"/>`;
      }
      case "bars": {
        const side = toX(x.from + width) - toX(x.from);
        const drawn = points.filter(([, up]) => up !== 0);
        const path = drawn.map(
          ([left, up]) => `M${at(toX(left))},${at(ground)}V${at(toY(up))}h${at(side)}V${at(ground)}z`,
        );
        return `<path d="${path.join("")}" fill="${colour}"/>`;
      }
    }
  };
  const columns = ticks(x).flatMap((value) => [
    `<path d="M${at(toX(value))},${margin.top}v${plane.height}" stroke="#e4e4e4"/>`,
    `<text x="${at(toX(value))}" y="${size.height - 26}" text-anchor="middle">${value.toLocaleString("en")}</text>`,
  ]);
  const rows = ticks(y).flatMap((value) => [
    `<path d="M${margin.left},${at(toY(value))}h${plane.width}" stroke="#e4e4e4"/>`,
    `<text x="${margin.left - 8}" y="${at(toY(value) + 4)}" text-anchor="end">${value.toLocaleString("en")}</text>`,
  ]);
  const legend = series.map(
    ({ name, colour }, i) =>
      `<text x="${size.width - margin.right - (series.length - 1 - i) * 150}" y="20" text-anchor="end" fill="${colour}">${name}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...columns,
    ...rows,
    ...series.map(draw),
    ...legend,
    `<text x="${margin.left}" y="20">${y.label}</text>`,
    `<text x="${margin.left + plane.width / 2}" y="${size.height - 8}" text-anchor="middle">${x.label}</text>`,
    "</svg>\n",
  ].join("\n");
}

function ticks({ from, to, step }: Axis): number[] {
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => (first + i) * step);
}
