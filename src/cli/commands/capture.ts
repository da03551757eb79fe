import { Option } from "commander";
import { capture } from "../capture/capture.js";
import { captureFormat, captureFormats } from "../capture/formats.js";
import {
  deviceOptions,
  durationOption,
  notEmpty,
  streamOptions,
  wholeNumber,
  type DeviceArguments,
  type StreamArguments,
} from "../options.js";
import { finderOf } from "../source.js";
import type { BadFramePolicy } from "../../../operators/index.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends DeviceArguments, StreamArguments {
  readonly output: string;
  readonly format?: string;
  readonly duration?: number;
  readonly frames?: number;
  readonly badFrames: BadFramePolicy;
  readonly force?: boolean;
  readonly json?: boolean;
}

const formatHelp = `Formats, by --format or by how the name of the file ends:
${captureFormats.map(({ name, description, extensions }) => `  ${name.padEnd(8)} ${description} (.${extensions.join(", .")})`).join("\n")}`;

/** `rx-isoch capture` */
export const captureCommand: DefineCommand = (program, done) => {
  const command = program
    .command("capture")
    .description(
      "write what a device sends into a file, until enough has come or Ctrl-C.\n" +
        "Without a device, that is the counter device on a virtual bus.",
    )
    .summary("write what a device sends into a file");
  streamOptions(deviceOptions(command))
    .requiredOption("-o, --output <file>", "where to; - is the standard output", notEmpty)
    .addOption(
      new Option("-f, --format <format>", "of the file: see below").choices(captureFormats.map(({ name }) => name)),
    )
    .addOption(durationOption("how long (default: until Ctrl-C)"))
    .option("-n, --frames <n>", "how many frames", wholeNumber("frames", 1, Number.MAX_SAFE_INTEGER))
    .addOption(
      new Option(
        "--bad-frames <policy>",
        "what becomes of the bytes of a frame that failed; zero is\nfor lost frames, too",
      )
        .choices(["skip", "keep", "zero", "error"])
        .default("skip"),
    )
    .option("--force", "replace a file that is there")
    .option("--json", "print nothing but the summary, as JSON")
    .addHelpText("after", `\n${formatHelp}`)
    .action(async (_named: unknown, options: Arguments) => {
      const { endpoint, alternate, output, duration, frames, transfer, queue, badFrames } = options;
      const find = await finderOf(command.opts<Arguments>());
      const target = find({ endpoint, alternate, direction: "in" });
      const { force = false, json = false } = options;
      const format = captureFormat(options.format, output);
      const milliseconds = duration === undefined ? undefined : duration * 1000;
      done(
        await capture(target, {
          output,
          format,
          duration: milliseconds,
          frames,
          transfer,
          queue,
          badFrames,
          force,
          json,
        }),
      );
    });
};
