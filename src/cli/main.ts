#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { defer, of } from "rxjs";
import { faultHelp, parseFault, type FaultPlan } from "./faults.js";
import { libusb } from "../../transports/libusb/index.js";
import { deviceTarget } from "./device-target.js";
import { list } from "./list.js";
import { exitStatus } from "./outcome.js";
import { run } from "./run.js";
import { virtualTarget, type VirtualTargetOptions } from "./target.js";

interface Arguments {
  readonly device?: string;
  readonly list?: true;
  readonly duration: number;
  readonly speed: VirtualTargetOptions["speed"];
  readonly endpoint?: number;
  readonly alternate?: number;
  readonly frames?: number;
  readonly queue: number;
  readonly fault: readonly FaultPlan[];
  readonly clockPpm: number;
  readonly json?: true;
}

/** Options that mean nothing to --list. */
const ofStream = ["endpoint", "alternate", "duration", "frames", "queue"];
const ofVirtualBus = ["speed", "fault", "clockPpm"];

const program = new Command("rx-isoch")
  .description(
    "Streams from or to a USB device, in real time, and shows how that goes.\n" +
      "Without --device, that is the counter device on a virtual bus. Its packets carry\n" +
      "a counter, so that every frame can be accounted for.",
  )
  .addOption(
    new Option(
      "--device <which>",
      "a real one: vendor:product, a part of its name or serial number, or its id",
    ).argParser(deviceName),
  )
  .addOption(
    new Option("--list", "print the real devices and their isochronous endpoints").conflicts([
      "device",
      ...ofStream,
      ...ofVirtualBus,
    ]),
  )
  .option("-d, --duration <seconds>", "how long to stream", number("seconds", 0.1, 86_400), 5)
  .addOption(
    new Option("-e, --endpoint <address>", "0x81 receives, 0x01 sends (default: the first)").argParser(address),
  )
  .option("-a, --alternate <n>", "alternate setting (default: the one with most bytes)", settingNumber)
  .option("--frames <n>", "frames in a transfer (default: 8 ms worth)", wholeNumber("frames", 1, 65_536))
  .option("--queue <depth>", "transfers in flight", wholeNumber("transfers", 1, 1024), 8)
  .addOption(
    new Option("-s, --speed <speed>", "of the virtual device")
      .choices(["full", "high", "super"])
      .default("high")
      .conflicts("device"),
  )
  .addOption(
    new Option("--fault <spec>", "what goes wrong, and when: see below; can be repeated")
      .argParser(fault)
      .default([], "nothing")
      .conflicts("device"),
  )
  .addOption(
    new Option("--clock-ppm <n>", "how much faster the virtual device's clock runs than the bus")
      .argParser(number("ppm", -100_000, 100_000))
      .default(0)
      .conflicts("device"),
  )
  .option("--json", "print nothing but the summary, or the list, as JSON")
  .addHelpText("after", `\n${faultHelp}`)
  .allowExcessArguments(false)
  .showHelpAfterError("--help shows the options.")
  .exitOverride()
  .action(async () => {
    const { device, endpoint, alternate, duration, frames, queue, ...options } = program.opts<Arguments>();
    const { speed, clockPpm, fault: faults, json = false } = options;
    if (options.list) {
      process.exitCode = await list(libusb(), { json });
      return;
    }
    const target =
      device === undefined
        ? defer(() => of(virtualTarget({ speed, endpoint: endpoint ?? 0x81, alternate, clockPpm, faults })))
        : deviceTarget(libusb(), { device, endpoint, alternate });
    process.exitCode = await run(target, { duration: duration * 1000, frames, queue, json });
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
}

function number(what: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give from ${min} to ${max} ${what}.`);
  };
}

function wholeNumber(what: string, min: number, max: number): (text: string) => number {
  const inRange = number(what, min, max);
  return (text) => {
    if (Number.isInteger(inRange(text))) return inRange(text);
    throw new InvalidArgumentError(`Give a whole number of ${what}.`);
  };
}

function deviceName(text: string): string {
  if (text.trim() !== "") return text.trim();
  throw new InvalidArgumentError("Give vendor:product, a part of a name, or an id that --list shows.");
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
