import { info } from "../info/info.js";
import { deviceInfo } from "../info/device-info.js";
import { deviceHelp, deviceName, placeOptions, type PlaceArguments } from "../options.js";
import { transportOf } from "../source.js";
import { defaultVirtualKind } from "../virtual-devices.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends PlaceArguments {
  readonly json?: boolean;
}

/** `rx-isoch info` */
export const infoCommand: DefineCommand = (program, done) => {
  placeOptions(program.command("info"))
    .description("print everything about one device")
    .argument("[device]", deviceHelp, deviceName)
    .option("--json", "print it as JSON")
    .action(async (device: string | undefined, { json = false, ...place }: Arguments) => {
      const isElsewhere = device !== undefined || place.bridge !== undefined || place.capture !== undefined;
      const transport = await transportOf(isElsewhere ? place : { virtual: defaultVirtualKind, ...place });
      done(await info(deviceInfo(transport, device), { json }));
    });
};
