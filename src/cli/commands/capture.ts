import { Option } from "commander";
import { capture } from "../capture/capture.js";
import type { CaptureFormat } from "../capture/format.js";
import { captureFormat, captureFormats } from "../capture/formats.js";
import {
  deviceOptions,
  durationOption,
  formatHelp,
  notEmpty,
  number,
  pictureSize,
  streamOptions,
  wholeNumber,
  type DeviceArguments,
  type PictureSize,
  type StreamArguments,
} from "../options.js";
import { isSameFile } from "../files/same-file.js";
import { UsageError } from "../outcome.js";
import { finderOf } from "../source.js";
import type { BadFramePolicy } from "../../../operators/index.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends DeviceArguments, StreamArguments {
  readonly output: string;
  readonly format?: string;
  readonly duration?: number;
  readonly frames?: number;
  readonly size?: PictureSize;
  readonly rate?: number;
  readonly count?: number;
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly badFrames: BadFramePolicy;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Says no to options that mean nothing to the format. */
function checkMedia({ name, media, badFrames: policies }: CaptureFormat, options: Arguments): void {
  const { size, rate, count, sampleRate, channels, endpoint, alternate, badFrames } = options;
  const refuse = (given: Readonly<Record<string, unknown>>, why: string) => {
    const [option] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
    if (option !== undefined) throw new UsageError(`${option} is ${why}, and the format is ${name}`);
  };
  if (media !== "pictures") refuse({ "--size": size, "--rate": rate, "--count": count }, "for pictures");
  if (media !== "sound") refuse({ "--sample-rate": sampleRate, "--channels": channels }, "for sound");
  if (media !== undefined) refuse({ "--endpoint": endpoint, "--alternate": alternate }, "for bytes and packets");
  if (policies.includes(badFrames)) return;
  throw new UsageError(`--bad-frames ${badFrames} is not for ${name}: choose ${policies.join(" or ")}`);
}

/** `rx-isoch capture` */
export const captureCommand: DefineCommand = (program, done) => {
  const command = program
    .command("capture")
    .description(
      "write what a device sends into a file, until enough has come or Ctrl-C.\n" +
        "Without a device, that is a virtual one: the camera for pictures, the microphone\n" +
        "for sound, else the counter device.",
    )
    .summary("write what a device sends into a file");
  streamOptions(deviceOptions(command))
    .requiredOption("-o, --output <file>", "where to; - is the standard output", notEmpty)
    .addOption(
      new Option("-f, --format <format>", "of the file: see below").choices(captureFormats.map(({ name }) => name)),
    )
    .addOption(durationOption("how long (default: until Ctrl-C)"))
    .option("-n, --frames <n>", "how many frames of the bus", wholeNumber("frames", 1, Number.MAX_SAFE_INTEGER))
    .addOption(
      new Option(
        "--bad-frames <policy>",
        "what becomes of the bytes of a frame that failed; zero is\nfor lost frames, too; of pictures, skip leaves out those\nin which something is missing",
      )
        .choices(["skip", "keep", "zero", "error"])
        .default("skip"),
    )
    .addOption(new Option("--size <size>", "of pictures: 640x480").argParser(pictureSize))
    .option("--rate <n>", "pictures a second; the nearest that there is", number("pictures a second", 0.01, 10_000))
    .option("--count <n>", "how many pictures", wholeNumber("pictures", 1, 1_000_000))
    .option("--sample-rate <hz>", "of sound (default: 48000)", wholeNumber("samples a second", 1, 2 ** 20))
    .option("--channels <n>", "of sound", wholeNumber("channels", 1, 255))
    .option("--force", "replace a file that is there")
    .option("--json", "print nothing but the summary, as JSON")
    .addHelpText("after", formatHelp(captureFormats))
    .action(async (_named: unknown, options: Arguments) => {
      const { endpoint, alternate, output, duration, frames, transfer, queue, badFrames } = options;
      const format = captureFormat(options.format, output);
      checkMedia(format, options);
      const source = options.capture;
      if (source !== undefined && (await isSameFile(source, output))) {
        throw new UsageError("what is captured cannot go into the capture that it is read from: choose another name");
      }
      const find = await finderOf(command.opts<Arguments>(), format.virtual);
      const target = find({ endpoint, alternate, direction: "in" });
      const { force = false, json = false, size, rate, count, sampleRate, channels } = options;
      done(
        await capture(target, {
          output,
          format,
          duration,
          frames,
          transfer,
          queue,
          badFrames,
          picture: { ...size, frameRate: rate },
          count,
          sound: { sampleRate, channels },
          force,
          json,
        }),
      );
    });
};
