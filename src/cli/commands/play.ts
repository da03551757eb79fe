import { Option } from "commander";
import {
  deviceOptions,
  durationOption,
  formatHelp,
  notEmpty,
  streamOptions,
  wholeNumber,
  type DeviceArguments,
  type StreamArguments,
} from "../options.js";
import { UsageError } from "../outcome.js";
import { play } from "../play/play.js";
import { playFormat, playFormats } from "../play/formats.js";
import { finderOf } from "../source.js";
import type { UnderrunPolicy } from "../../../operators/index.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends DeviceArguments, StreamArguments {
  readonly format?: string;
  readonly duration?: number;
  readonly frameLength?: number;
  readonly rate?: number;
  readonly sampleSize?: number;
  readonly underrun?: UnderrunPolicy;
  readonly json?: boolean;
}

/** `rx-isoch play` */
export const playCommand: DefineCommand = (program, done) => {
  const command = program
    .command("play")
    .argument("<file>", "what to send; - is the standard input", notEmpty)
    .description(
      "send a file to a device, at the pace of the bus.\n" +
        "Without a device, that is a virtual one: the speaker for sound, else the counter\ndevice.",
    )
    .summary("send a file to a device");
  streamOptions(deviceOptions(command))
    .addOption(
      new Option("-f, --format <format>", "of the file: see below").choices(playFormats.map(({ name }) => name)),
    )
    .addOption(durationOption("how long at most (default: all of it)"))
    .addOption(
      new Option("--frame-length <bytes>", "bytes in each frame (default: as many as fit)")
        .argParser(wholeNumber("bytes", 1, 65_536))
        .conflicts("rate"),
    )
    .option("--rate <samples>", "samples a second: 44100", wholeNumber("samples a second", 1, 2 ** 31))
    .option("--sample-size <bytes>", "of a sample, all channels: 4", wholeNumber("bytes", 1, 65_536))
    .addOption(
      new Option("--underrun <policy>", "what is sent while the input has nothing ready\n(default: nothing)").choices([
        "zero-length",
        "repeat",
        "error",
      ]),
    )
    .option("--json", "print nothing but the summary, as JSON")
    .addHelpText("after", formatHelp(playFormats))
    .action(async (file: string, _named: unknown, options: Arguments) => {
      const { endpoint, alternate, duration, transfer, queue, underrun, frameLength, rate, sampleSize } = options;
      if ((rate === undefined) !== (sampleSize === undefined)) {
        throw new UsageError("--rate and --sample-size go together: --rate 44100 --sample-size 4");
      }
      const pace = rate === undefined || sampleSize === undefined ? { frameLength } : { sampleRate: rate, sampleSize };
      const format = playFormat(options.format, file);
      const find = await finderOf(command.opts<Arguments>(), format.virtual);
      const target = find({ endpoint, alternate, direction: "out" });
      const { json = false } = options;
      done(await play(target, { file, format, pace, duration, transfer, queue, underrun, json }));
    });
};
