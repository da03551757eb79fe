import { map, of, share, switchMap, takeUntil } from "rxjs";
import { speaker } from "../../../operators/media/index.js";
import { fromWav } from "../../../operators/node/index.js";
import { UsageError } from "../outcome.js";
import { countsOf } from "../stream-account.js";
import { whileOpen } from "../while-open.js";
import type { PlayContext, PlayFormat } from "./format.js";

/** Sound, at the pace of the speaker: the file says how many samples a second, and how they stand. */
export const wav: PlayFormat = {
  name: "wav",
  description: "sound, for a speaker",
  extensions: ["wav"],
  needsFile: true,
  virtual: "speaker",
  check: refuse,
  play: ({ path }, target, context) => {
    const underrun = context.underrun === "error" ? "error" : "silence";
    // What stops the one before it is open stops the other after that.
    const stop = context.stop.pipe(share());
    const file = fromWav(path).pipe(takeUntil(stop));
    // What is in flight is played also where it is aborted: it is not long, and is told of.
    return whileOpen(target, context.abort, (device) =>
      file.pipe(
        switchMap(({ data, format: { sampleRate, channels, bits, kind } }) =>
          of(data).pipe(speaker(device, {}, { sampleRate, channels, bits, kind, underrun, stop })),
        ),
        map(({ results }) => countsOf(results)),
      ),
    );
  },
};

function refuse({ pace, underrun, transfer }: Pick<PlayContext, "pace" | "transfer" | "underrun">): void {
  if ("sampleRate" in pace || pace.frameLength !== undefined || transfer !== undefined) {
    throw new UsageError(
      "a WAV file says itself how it is cut: leave out --rate, --sample-size, --frame-length and --transfer",
    );
  }
  if (underrun === "repeat" || underrun === "zero-length") {
    throw new UsageError(
      `--underrun ${underrun} is not for sound: where it is late there is silence, or, with error, an end`,
    );
  }
}
