import type { ChalkInstance } from "chalk";
import { hexAddress } from "../../endpoint.js";
import { count, interval, megabytes } from "../format.js";
import type { DeviceListing, EndpointListing } from "./listing.js";
import { idsOf, printable } from "../names.js";

/** The columns of an endpoint: its heading, and whether what is in it is a number. */
const columns = [
  ["endpoint", false],
  ["interface", true],
  ["alternate", true],
  ["bytes/frame", true],
  ["interval", true],
  ["at most", true],
] as const;

/** The listing for people: a line for each device, and under it a row for each of its endpoints. */
export function listingText(devices: readonly DeviceListing[], chalk: ChalkInstance): string {
  if (devices.length === 0) return "There are no USB devices here, or the system does not show them to this program.";
  const rows = devices.map(({ endpoints }) => endpoints.map(cells));
  const widths = columns.map(([heading], i) =>
    Math.max(heading.length, ...rows.flat().map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `  ${columns.map(([, isNumber], i) => pad(row[i] ?? "", widths[i] ?? 0, isNumber)).join("  ")}`;
  const hasEndpoints = rows.some((each) => each.length > 0);
  const text = devices.flatMap((device, i) => [
    chalk.bold(headline(device)),
    ...(device.endpoints.length === 0 ? [chalk.dim("  no isochronous endpoints")] : []),
    ...device.endpoints.map((endpoint, j) => {
      const note = noteOn(endpoint, device);
      return line(rows[i]?.[j] ?? []) + (note === "" ? "" : `  ${chalk.yellow(note)}`);
    }),
  ]);
  return hasEndpoints
    ? [chalk.dim(line(columns.map(([heading]) => heading))), ...text].join("\n")
    : [...text, "", "None of them has an isochronous endpoint."].join("\n");
}

/** "1-2:5  1209:0001  high speed  rx-isoch counter, serial number 0001" */
function headline(device: DeviceListing): string {
  const { id, speed, manufacturer, product, serialNumber } = device;
  const maker = [manufacturer, product].filter((name) => name !== undefined).map(printable);
  const names = [
    ...(maker.length === 0 ? [] : [maker.join(" ")]),
    ...(serialNumber === undefined ? [] : [`serial number ${printable(serialNumber)}`]),
  ];
  return [id, idsOf(device), `${speed} speed`, ...(names.length === 0 ? [] : [names.join(", ")])].join("  ");
}

function cells(listing: EndpointListing): string[] {
  const { direction, endpoint, interfaceNumber, alternate, frameLength, frameDuration, bytesPerSecond } = listing;
  return [
    `${direction.toUpperCase().padEnd(3)} ${hexAddress(endpoint)}`,
    String(interfaceNumber),
    String(alternate),
    frameLength === undefined ? "?" : count(frameLength),
    frameDuration === undefined ? "?" : interval(frameDuration),
    bytesPerSecond === undefined ? "?" : `${megabytes(bytesPerSecond)}/s`,
  ];
}

function noteOn({ usage, configuration, problem }: EndpointListing, { endpoints }: DeviceListing): string {
  const isAmbiguous = endpoints.some((other) => other.configuration !== configuration);
  return [
    ...(usage === "data" ? [] : [usage]),
    ...(isAmbiguous ? [`configuration ${configuration}`] : []),
    ...(problem === undefined ? [] : [problem]),
  ].join(", ");
}

function pad(text: string, width: number, isNumber: boolean): string {
  return isNumber ? text.padStart(width) : text.padEnd(width);
}
