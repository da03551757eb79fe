import { Option, InvalidArgumentError, type Command } from "commander";
import { faultHelp, parseFault, type FaultPlan } from "./faults.js";
import { maxFramesPerRequest } from "../request.js";
import { hostAndPort, type HostAndPort } from "./serve/addresses.js";
import { virtualHelp, virtualKinds, type VirtualKind, type VirtualSpeed } from "./virtual-devices.js";

/** Where devices are looked for. */
export interface PlaceArguments {
  /** A file with a capture, whose devices are meant. */
  readonly capture?: string;
  /** The address of a USB/IP server. Default: devices of this machine. */
  readonly bridge?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly virtual?: VirtualKind;
}

/** Which device. */
export interface DeviceArguments extends PlaceArguments {
  readonly device?: string;
  readonly speed?: VirtualSpeed;
  readonly fault: readonly FaultPlan[];
  readonly clockPpm: number;
}

/** Which of its endpoints, and how it is streamed from or to. */
export interface StreamArguments {
  readonly endpoint?: number;
  readonly alternate?: number;
  readonly transfer?: number;
  readonly queue: number;
}

/** Options of the virtual device, by their attributes: none of them goes with a device that is named. */
const ofVirtualDevice = ["virtual", "speed", "fault", "clockPpm"];

/** `--bridge` and what goes with it, and `--virtual`. */
export function placeOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--bridge <address>", "look at a USB/IP server: host:port, or ws://host:port").argParser(notEmpty),
    )
    .addOption(tokenOption("of the bridge"))
    .addOption(tokenFileOption())
    .addOption(
      new Option("--capture <file>", "look into a capture: pcapng or pcap, of usbmon or of this")
        .argParser(notEmpty)
        .conflicts("bridge"),
    )
    .addOption(
      new Option("--virtual <kind>", virtualHelp).choices(virtualKinds).conflicts(["device", "bridge", "capture"]),
    );
}

/** `--token`. */
export function tokenOption(what: string): Option {
  return new Option(
    "--token <token>",
    `${what}; others on this machine can\nsee it: better RX_ISOCH_TOKEN, or`,
  ).conflicts("tokenFile");
}

/** `--token-file`. */
export function tokenFileOption(): Option {
  return new Option("--token-file <file>", "the token is the first line of this file").argParser(notEmpty);
}

/** What a device is named by, for the help text. */
export const deviceHelp = "vendor:product, a part of its name or serial number, or its id";

/** {@link placeOptions}, the device as an argument or an option, and how the virtual one is. */
export function deviceOptions(command: Command): Command {
  return placeOptions(
    command
      .argument("[device]", deviceHelp, deviceName)
      .addOption(new Option("--device <which>", "the same").argParser(deviceName)),
  )
    .addOption(
      new Option("-s, --speed <speed>", "of the virtual counter device (default: high)").choices([
        "full",
        "high",
        "super",
      ]),
    )
    .addOption(
      new Option("--fault <spec>", "what goes wrong, and when: see below; can be repeated")
        .argParser(fault)
        .default([], "nothing"),
    )
    .addOption(
      new Option("--clock-ppm <n>", "how much faster the virtual device's clock runs")
        .argParser(number("ppm", -100_000, 100_000))
        .default(0),
    )
    .addHelpText("after", `\n${faultHelp}`)
    .hook("preAction", checkDevice);
}

/** `--endpoint` and what goes with it. */
export function streamOptions(command: Command): Command {
  return command
    .addOption(
      new Option("-e, --endpoint <address>", "0x81 receives, 0x01 sends (default: the first)").argParser(address),
    )
    .option("-a, --alternate <n>", "alternate setting (default: the one with most bytes)", settingNumber)
    .option(
      "--transfer <frames>",
      "frames in a transfer (default: 8 ms worth)",
      wholeNumber("frames", 1, maxFramesPerRequest),
    )
    .option("--queue <depth>", "transfers in flight", wholeNumber("transfers", 1, 1024), 8);
}

/** `--duration`: milliseconds of it. */
export function durationOption(what: string): Option {
  const inSeconds = number("seconds", 0.1, 86_400);
  return new Option("-d, --duration <seconds>", what).argParser((text) => inSeconds(text) * 1000);
}

/** Takes the argument for the option, and says no to what does not go together. */
function checkDevice(command: Command): void {
  const place = command.registeredArguments.findIndex((each) => each.name() === "device");
  const named: unknown = command.processedArgs[place];
  if (named !== undefined) {
    if (command.getOptionValue("device") !== undefined) command.error("error: the device is named twice");
    command.setOptionValueWithSource("device", named, "cli");
  }
  if (["device", "bridge", "capture"].every((each) => command.getOptionValue(each) === undefined)) return;
  const stray = ofVirtualDevice.find((name) => command.getOptionValueSource(name) === "cli");
  const option = command.options.find((each) => each.attributeName() === stray);
  if (option !== undefined) {
    command.error(`error: option '${option.flags}' is for the virtual device, and another one is asked for`);
  }
}

/** A parser of numbers within a range. */
export function number(what: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give from ${min} to ${max} ${what}.`);
  };
}

/** A parser of whole numbers within a range. */
export function wholeNumber(what: string, min: number, max: number): (text: string) => number {
  const inRange = number(what, min, max);
  return (text) => {
    if (Number.isInteger(inRange(text))) return inRange(text);
    throw new InvalidArgumentError(`Give a whole number of ${what}.`);
  };
}

/** Of a picture, in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** A parser of `640x480`. */
export function pictureSize(text: string): PictureSize {
  const [, width, height] = /^(\d{1,5})[x×](\d{1,5})$/i.exec(text.trim()) ?? [];
  const size = { width: Number(width), height: Number(height) };
  if (size.width >= 1 && size.width <= 0xffff && size.height >= 1 && size.height <= 0xffff) return size;
  throw new InvalidArgumentError("A size is width and height in pixels: 640x480.");
}

/** A parser of `port` and `host:port`. */
export function listeningAddress(text: string): HostAndPort {
  const address = hostAndPort(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text);
  if (address?.port !== undefined) return { host: address.host, port: address.port };
  throw new InvalidArgumentError("Give a port, or host:port; an IPv6 host in brackets: [::1]:3240.");
}

/** For options that are given more than once. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, notEmpty(text)];
}

export function notEmpty(text: string): string {
  if (text.trim() !== "") return text.trim();
  throw new InvalidArgumentError("It is empty.");
}

/** A parser of what names a device. */
export function deviceName(text: string): string {
  if (text.trim() !== "") return text.trim();
  throw new InvalidArgumentError("Give vendor:product, a part of a name, or an id that the command list shows.");
}

function settingNumber(text: string): number {
  return wholeNumber("alternate settings", 0, 255)(text);
}

function address(text: string): number {
  if (/^(0x[0-9a-f]{1,2}|\d{1,3})$/i.test(text) && Number(text) <= 0xff) return Number(text);
  throw new InvalidArgumentError("An endpoint address is a byte: 0x81.");
}

function fault(spec: string, before: readonly FaultPlan[]): readonly FaultPlan[] {
  try {
    return [...before, parseFault(spec)];
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** Formats of files, for the help text. */
export function formatHelp(
  formats: readonly { readonly name: string; readonly description: string; readonly extensions: readonly string[] }[],
): string {
  const lines = formats.map(
    ({ name, description, extensions }) => `  ${name.padEnd(8)} ${description} (.${extensions.join(", .")})`,
  );
  return ["", "Formats, by --format or by how the name of the file ends:", ...lines].join("\n");
}
