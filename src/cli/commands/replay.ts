import { Option } from "commander";
import { deviceTarget } from "../device-target.js";
import {
  deviceHelp,
  deviceName,
  durationOption,
  notEmpty,
  streamOptions,
  type DeviceArguments,
  type StreamArguments,
} from "../options.js";
import { run } from "../watch/run.js";
import { captureTransport } from "../source.js";
import { keepsakeFiles, keepsakes } from "../video/keepsakes.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends Pick<DeviceArguments, "device">, StreamArguments {
  readonly pace: "recorded" | "fast";
  readonly duration?: number;
  readonly files?: boolean;
  readonly json?: boolean;
}

/** `rx-isoch replay` */
export const replayCommand: DefineCommand = (program, done) => {
  const command = program
    .command("replay")
    .argument("<capture>", "pcapng or pcap, of usbmon or of the command capture", notEmpty)
    .argument("[device]", deviceHelp, deviceName)
    .description("watch what a capture holds: rates, losses, pictures.");
  streamOptions(command)
    .addOption(
      new Option("--pace <pace>", "as fast as it goes, or as it was recorded")
        .choices(["fast", "recorded"])
        .default("fast"),
    )
    .addOption(durationOption("how long at most (default: to the end of the capture)"))
    .option("--files", `leave a picture and a clip of a camera: ${keepsakeFiles.still},\n${keepsakeFiles.clip}`)
    .option("--json", "print nothing but the summary, as JSON")
    .action(async (file: string, device: string | undefined, options: Arguments) => {
      const { pace, duration, files = false, json = false, transfer: frames, queue, endpoint, alternate } = options;
      const transport = await captureTransport(file, { pace });
      const target = deviceTarget(transport, { device, isRecording: true, endpoint, alternate });
      done(
        await run(target, {
          duration: duration ?? Infinity,
          frames,
          queue,
          json,
          keep: files ? keepsakes() : undefined,
        }),
      );
    });
};
