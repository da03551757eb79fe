import { concat, defer, EMPTY, map, of, takeUntil, tap } from "rxjs";
import { chooseAudio } from "../../../operators/media/audio-choice.js";
import { AudioPipe, prepareClock } from "../../../operators/media/audio-pipe.js";
import { pcmBlocks } from "../../../operators/media/index.js";
import { WavLayout } from "../../../operators/node/wav-layout.js";
import { addCounts, countsOf, noCounts } from "../stream-account.js";
import { whileOpen } from "../while-open.js";
import type { CaptureFormat, CaptureStep } from "./format.js";
import { firstFrames } from "./results.js";
import { withTail } from "./with-tail.js";

/** Sound. As `microphone` takes it; but the results of the bus are wanted for the account. */
export const wav: CaptureFormat = {
  name: "wav",
  description: "the sound of a microphone",
  extensions: ["wav"],
  needsFile: true,
  media: "sound",
  badFrames: ["skip", "zero"],
  virtual: "microphone",
  capture: (target, context) =>
    defer(() => {
      const layout = new WavLayout();
      // Silence keeps time.
      const lost = context.badFrames === "zero" ? "silence" : "leave-out";
      const { frames = Infinity, transfer, queue, pause, stop } = context;
      let counts = noCounts;
      const step = (pieces: readonly Uint8Array[]): CaptureStep => {
        const made = { pieces, counts };
        counts = noCounts;
        return made;
      };
      const steps = whileOpen(target, (device) => {
        const { sampleRate = 48_000, channels } = context.sound;
        const chosen = chooseAudio(device, { sampleRate, channels, direction: "in", selector: {} });
        const blocks = new AudioPipe(device, chosen).results({ frames: transfer, queue, pause }).pipe(
          firstFrames(frames),
          takeUntil(stop),
          tap((results) => {
            counts = addCounts(counts, countsOf(results));
          }),
          pcmBlocks(chosen.format, { lost }),
          map((block) => step(layout.add(block))),
        );
        return concat(
          chosen.alternate.version === 2 ? prepareClock(device, chosen) : EMPTY,
          blocks,
          defer(() => of(step([]))),
        );
      });
      return withTail(steps, () => {
        const { tail, head } = layout.finish();
        return [...tail, { at: 0, bytes: head }];
      });
    }),
};
