import {
  deviceOptions,
  durationOption,
  streamOptions,
  type DeviceArguments,
  type StreamArguments,
} from "../options.js";
import { run } from "../run.js";
import { finderOf } from "../source.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends DeviceArguments, StreamArguments {
  readonly duration: number;
  readonly json?: boolean;
}

/** `rx-isoch watch` */
export const watchCommand: DefineCommand = (program, done) => {
  const command = program
    .command("watch")
    .description(
      "stream from or to a device, and show how that goes: rates, losses, jitter.\n" +
        "Without a device, that is the counter device on a virtual bus. Its packets carry\n" +
        "a counter, so that every frame can be accounted for.",
    )
    .summary("stream from or to a device, and show how that goes (the default)");
  streamOptions(deviceOptions(command))
    .addOption(durationOption("how long to stream").default(5))
    .option("--json", "print nothing but the summary, as JSON")
    .action(async (_named: unknown, { json = false, ...options }: Arguments) => {
      const { duration, transfer: frames, queue, endpoint, alternate } = options;
      const find = await finderOf(command.opts<Arguments>());
      done(await run(find({ endpoint, alternate }), { duration: duration * 1000, frames, queue, json }));
    });
};
