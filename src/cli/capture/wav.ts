import { concatMap, connect, defer, filter, map, merge, takeUntil, tap, type Observable } from "rxjs";
import { chooseAudio, type ChosenAudio } from "../../../operators/media/audio-choice.js";
import { AudioPipe, onClock } from "../../../operators/media/audio-pipe.js";
import { pcmBlocks } from "../../../operators/media/index.js";
import { WavLayout } from "../../../operators/node/wav-layout.js";
import { isochPipe, type EndpointSelector, type IsochResults } from "../../index.js";
import { addCounts, countsOf, noCounts } from "../stream-account.js";
import { whileOpen } from "../while-open.js";
import type { CaptureFormat, CaptureStep } from "./format.js";
import { ending, layOut, stepOf } from "./laid-out.js";
import { firstFrames } from "./results.js";
import { withTail } from "./with-tail.js";

/**
 * Sound. As `microphone` takes it; but the results of the bus are wanted for the account.
 *
 * @param limit bytes of a file, at most. Default: 4 GiB, which is as far as it counts
 */
export const wavUpTo = (limit?: number): CaptureFormat => ({
  name: "wav",
  description: "the sound of a microphone",
  extensions: ["wav"],
  needsFile: true,
  media: "sound",
  badFrames: ["skip", "zero"],
  virtual: "microphone",
  capture: (target, context) =>
    defer(() => {
      // The file makes the silence: as blocks, that of an hour in which the machine slept would wait in memory.
      const keepsTime = context.badFrames === "zero";
      const layout = new WavLayout(limit, keepsTime);
      const { frames = Infinity, transfer, queue, pause, stop } = context;
      let counts = noCounts;
      const counted = () => {
        const taken = counts;
        counts = noCounts;
        return taken;
      };
      const steps = whileOpen(target, stop, (device) => {
        const { sampleRate = 48_000, channels } = context.sound;
        const chosen = chooseAudio(device, { sampleRate, channels, direction: "in", selector: {} });
        // A capture need not have what was said to set a rate: one that is named is taken at its word.
        const isToldRate = target.isRecording === true && context.sound.sampleRate !== undefined;
        const pipe = isToldRate ? isochPipe(device, endpointOf(chosen)) : new AudioPipe(device, chosen);
        const results = pipe.results({ frames: transfer, queue, pause }).pipe(
          firstFrames(frames),
          tap((each) => {
            counts = addCounts(counts, countsOf(each));
          }),
          takeUntil(stop),
        );
        const laidOut = (each: Observable<IsochResults>) =>
          each.pipe(
            pcmBlocks(chosen.format),
            // A loss that nothing follows is no sound.
            filter((block) => block.frames > 0 || keepsTime),
            concatMap((block) => {
              const added = layOut(layout, [block]);
              return stepOf({ pieces: added.pieces, counts: counted() }, added);
            }),
          );
        // What brings no sound begins the capture, too.
        const begun = (each: Observable<IsochResults>) =>
          each.pipe(map((): CaptureStep => ({ pieces: [], counts: counted() })));
        const sound = results.pipe(connect((each) => merge(laidOut(each), begun(each))));
        return isToldRate ? sound : onClock(device, chosen, {}, sound);
      });
      return withTail(steps, () => ending(layout, counted()));
    }),
});

export const wav = wavUpTo();

function endpointOf({ alternate: { endpoint, interfaceNumber, alternate } }: ChosenAudio): EndpointSelector {
  return { endpoint: endpoint.address, interfaceNumber, alternate };
}
