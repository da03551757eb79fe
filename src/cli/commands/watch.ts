import { Option } from "commander";
import {
  deviceOptions,
  durationOption,
  streamOptions,
  type DeviceArguments,
  type StreamArguments,
} from "../options.js";
import { run } from "../watch/run.js";
import { keepsakeFiles, keepsakes } from "../video/keepsakes.js";
import { finderOf } from "../source.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends DeviceArguments, StreamArguments {
  readonly duration: number;
  readonly files?: boolean;
  readonly json?: boolean;
}

function isWithoutDevice({ device, bridge, capture, virtual }: Arguments): boolean {
  return [device, bridge, capture, virtual].every((each) => each === undefined);
}

/** What the counter device is for: frames that can go wrong, and endpoints and settings to choose from. */
function isForCounter({ speed, fault, clockPpm, endpoint, alternate }: Arguments): boolean {
  return [speed, endpoint, alternate].some((each) => each !== undefined) || fault.length > 0 || clockPpm !== 0;
}

/** `rx-isoch watch` */
export const watchCommand: DefineCommand = (program, done) => {
  const command = program
    .command("watch")
    .description(
      "stream from or to a device, and show how that goes: rates, losses, jitter.\n" +
        "Of a camera, with the picture. Without a device, that is the virtual camera; with\n" +
        "--speed, --fault, --clock-ppm or an endpoint, the virtual counter device, whose\n" +
        "packets carry a counter, so that every frame can be accounted for.",
    )
    .summary("stream from or to a device, and show how that goes (the default)");
  streamOptions(deviceOptions(command))
    .addOption(durationOption("how long to stream").default(5000, "5"))
    .addOption(
      new Option(
        "--files",
        `leave a picture and a clip of a camera in the current\ndirectory: ${keepsakeFiles.still}, ${keepsakeFiles.clip}\n(default: of the virtual one that nobody asked for)`,
      ),
    )
    .option("--no-files", "leave none")
    .option("--json", "print nothing but the summary, as JSON")
    .action(async (_named: unknown, { json = false, ...options }: Arguments) => {
      const { duration, transfer: frames, queue, endpoint, alternate } = options;
      const named = command.opts<Arguments>();
      const isDemo = isWithoutDevice(named) && !isForCounter(named);
      const find = await finderOf(named, isDemo ? "camera" : "counter");
      const keep = (command.getOptionValueSource("files") === "cli" ? options.files : isDemo) ? keepsakes() : undefined;
      done(await run(find({ endpoint, alternate }), { duration, frames, queue, json, keep }));
    });
};
