import { bar, count, megabytes, microseconds } from "../format.js";
import { printable } from "../names.js";
import { nameOnBus, recentRate, timeText, type Screen } from "../watch/view.js";
import type { WatchState } from "../watch/state.js";
import { halfBlocks } from "./half-blocks.js";
import { rawFormats } from "./choose-picture.js";
import type { VideoState } from "./video-track.js";

/** Where a picture is shown. */
export interface PictureScreen extends Screen {
  readonly rows: number;
}

/** More columns cost more than they show. */
const mostColumns = 160;
/** Lines that are no picture, with the one that the cursor stands on. */
const otherLines = 8;

/** The picture of a camera, and beneath it how its stream goes; `undefined` where nothing of a camera is streamed. */
export function videoView(state: WatchState, { columns, rows, chalk }: PictureScreen): string[] | undefined {
  const { video, totals, duration } = state;
  if (video === undefined) return undefined;
  const width = Math.min(columns, mostColumns) - 2;
  const fit = (text: string) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
  const recent = recentRate(state);
  const time = timeText(totals.elapsed, duration);
  const progress = bar(totals.elapsed / duration, Math.min(40, width - time.length - 17));
  const bad = (isBad: boolean) => (isBad ? chalk.yellow : chalk.green);
  return [
    chalk.bold(fit(`${printable(nameOnBus(state))}: ${pictureText(video)}`)),
    ...picture(video, { columns: width, rows: Math.max(1, rows - otherLines) }, chalk.level),
    chalk.cyan(fit(`${ratesText(video)}  ${count(video.complete)} complete, ${count(video.incomplete)} incomplete`)),
    chalk.cyan(fit(`${count(recent.frames)} bus frames/s  ${megabytes(recent.bytes)}/s`)),
    bad(totals.lost + totals.failed > 0)(
      fit(
        `lost ${count(totals.lost)}  failed ${count(totals.failed)}  ` +
          `jitter ${microseconds(totals.jitter)} (${microseconds(totals.maxJitter)} at most)`,
      ),
    ),
    `${chalk.cyan(progress.done)}${chalk.dim(progress.left)}  ${time}  ${chalk.dim("Ctrl-C stops.")}`,
  ].map((line) => ` ${line}`);
}

/** "30.0 of 30 pictures/s" */
export function ratesText({ recentRate: rate, agreedRate }: VideoState): string {
  return `${rate.toFixed(1)} of ${agreedRate} pictures/s`;
}

/** "yuy2, 320 × 240" */
export function pictureText({ format, width, height }: VideoState): string {
  return `${format}, ${width} × ${height}`;
}

function picture(
  { picture: latest, format }: VideoState,
  room: { readonly columns: number; readonly rows: number },
  level: PictureScreen["chalk"]["level"],
): string[] {
  if (!rawFormats.some((each) => each === format)) return [`Pictures of ${format} are not shown here.`];
  return latest === undefined ? [] : halfBlocks(latest, room, level);
}
