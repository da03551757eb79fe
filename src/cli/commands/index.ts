import { captureCommand } from "./capture.js";
import type { DefineCommand } from "./command.js";
import { infoCommand } from "./info.js";
import { listCommand } from "./list.js";
import { playCommand } from "./play.js";
import { replayCommand } from "./replay.js";
import { serveCommand } from "./serve.js";
import { watchCommand } from "./watch.js";

/** Every command, in the order of the help text. A further one is a file here and an entry. */
export const commands: readonly DefineCommand[] = [
  listCommand,
  infoCommand,
  watchCommand,
  captureCommand,
  playCommand,
  replayCommand,
  serveCommand,
];
