import { list } from "../list/list.js";
import { placeOptions, type PlaceArguments } from "../options.js";
import { transportOf } from "../source.js";
import type { DefineCommand } from "./command.js";

interface Arguments extends PlaceArguments {
  readonly json?: boolean;
}

/** `rx-isoch list` */
export const listCommand: DefineCommand = (program, done) => {
  placeOptions(program.command("list"))
    .description("print the devices there are, and what their isochronous endpoints can do")
    .option("--json", "print them as JSON")
    .action(async ({ json = false, ...place }: Arguments) => {
      done(await list(await transportOf(place), { json }));
    });
};
