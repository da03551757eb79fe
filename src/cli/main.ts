#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { faultHelp, parseFault, type FaultPlan } from "./faults.js";
import { exitStatus, run } from "./run.js";
import { virtualTarget, type VirtualTargetOptions } from "./target.js";

interface Arguments {
  readonly duration: number;
  readonly speed: VirtualTargetOptions["speed"];
  readonly endpoint: number;
  readonly frames?: number;
  readonly queue: number;
  readonly fault: readonly FaultPlan[];
  readonly clockPpm: number;
  readonly json?: true;
}

const program = new Command("rx-isoch")
  .description(
    "Streams from the counter device on a virtual bus, in real time, and shows how that goes.\n" +
      "Its packets carry a counter, so that every frame can be accounted for.",
  )
  .option("-d, --duration <seconds>", "how long to stream", number("seconds", 0.1, 86_400), 5)
  .addOption(new Option("-s, --speed <speed>", "of the device").choices(["full", "high", "super"]).default("high"))
  .addOption(
    new Option("-e, --endpoint <address>", "0x81 receives, 0x01 sends").argParser(address).default(0x81, "0x81"),
  )
  .option("--frames <n>", "frames in a transfer (default: 8 ms worth)", wholeNumber("frames", 1, 65_536))
  .option("--queue <depth>", "transfers in flight", wholeNumber("transfers", 1, 1024), 8)
  .addOption(
    new Option("--fault <spec>", "what goes wrong, and when: see below; can be repeated")
      .argParser(fault)
      .default([], "nothing"),
  )
  .option(
    "--clock-ppm <n>",
    "how much faster the device's clock runs than the bus",
    number("ppm", -100_000, 100_000),
    0,
  )
  .option("--json", "print nothing but the summary, as JSON")
  .addHelpText("after", `\n${faultHelp}`)
  .allowExcessArguments(false)
  .showHelpAfterError("--help shows the options.")
  .exitOverride()
  .action(async () => {
    const { duration, speed, endpoint, frames, queue, fault, clockPpm, json } = program.opts<Arguments>();
    const target = virtualTarget({ speed, endpoint, clockPpm, faults: fault });
    process.exitCode = await run(target, { duration: duration * 1000, frames, queue, json: json ?? false });
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
