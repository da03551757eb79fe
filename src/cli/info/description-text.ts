import type { ChalkInstance } from "chalk";
import { hexAddress } from "../../endpoint.js";
import { count, counted, interval, megabytes } from "../format.js";
import { idsOf, printable } from "../names.js";
import type {
  AlternateDescription,
  ClassDescription,
  ConfigurationDescription,
  DeviceDescription,
  EndpointDescription,
} from "./description.js";

/** The description for people. */
export function descriptionText(device: DeviceDescription, chalk: ChalkInstance): string {
  const { manufacturer, product, serialNumber } = device;
  const named = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`  ${name.padEnd(14)}${printable(value)}`];
  return [
    chalk.bold([device.id, idsOf(device), `${device.speed} speed`].join("  ")),
    ...named("manufacturer", manufacturer),
    ...named("product", product),
    ...named("serial number", serialNumber),
    ...named("USB", device.usbVersion),
    ...named("version", device.deviceVersion),
    ...named("class", classText(device.class)),
    ...named("endpoint 0", `${count(device.maxPacketSize0)} bytes`),
    ...device.configurations.flatMap((configuration) => configurationText(configuration, chalk)),
  ].join("\n");
}

function configurationText(configuration: ConfigurationDescription, chalk: ChalkInstance): string[] {
  const { value, power, selfPowered, remoteWakeup, functions, interfaces } = configuration;
  const traits = [
    `at most ${count(power)} mA`,
    ...(selfPowered ? ["powered by itself"] : []),
    ...(remoteWakeup ? ["can wake the host"] : []),
  ];
  return [
    chalk.bold(`  configuration ${value}`) + `: ${traits.join(", ")}`,
    ...functions.map(
      ({ firstInterface, interfaceCount, class: of }) =>
        `    function: ${classText(of)}, ${interfaceCount === 1 ? `interface ${firstInterface}` : `interfaces ${firstInterface} to ${firstInterface + interfaceCount - 1}`}`,
    ),
    ...interfaces.flatMap(({ number, alternates }) =>
      alternates.flatMap((alternate) => alternateText(number, alternate, chalk)),
    ),
  ];
}

function alternateText(
  number: number,
  { alternate, class: of, formats, endpoints, extra }: AlternateDescription,
  chalk: ChalkInstance,
): string[] {
  return [
    `    interface ${number}, alternate ${alternate}: ${classText(of)}${endpoints.length === 0 ? ", no endpoints" : ""}`,
    ...formats.map((line) => `      ${printable(line)}`),
    ...extra.map((bytes) => chalk.dim(`      descriptor ${bytes}`)),
    ...endpoints.flatMap((endpoint) => [
      `      ${endpointText(endpoint)}`,
      ...endpoint.extra.map((bytes) => chalk.dim(`        descriptor ${bytes}`)),
    ]),
  ];
}

function endpointText(listed: EndpointDescription): string {
  const { endpoint, direction, type, synchronization, usage, frameLength, frameDuration, bytesPerSecond } = listed;
  const kind = [
    ...(synchronization === undefined || synchronization === "none" ? [] : [synchronization]),
    type,
    ...(usage === undefined || usage === "data" ? [] : [usage]),
  ].join(" ");
  const size =
    frameLength === undefined || frameDuration === undefined || bytesPerSecond === undefined
      ? `packets of ${count(listed.maxPacketSize & 0x7ff)} bytes`
      : `${counted(frameLength, "byte")} every ${interval(frameDuration)}, ${megabytes(bytesPerSecond)}/s at most`;
  const problem = listed.problem === undefined ? "" : ` (${listed.problem})`;
  return `${direction.toUpperCase().padEnd(3)} ${hexAddress(endpoint)}: ${kind}, ${size}${problem}`;
}

function classText({ code, subclass, protocol, name }: ClassDescription): string {
  const numbers = [code, subclass, protocol].map((each) => each.toString(16).padStart(2, "0")).join("/");
  return `${name} (${numbers})`;
}
