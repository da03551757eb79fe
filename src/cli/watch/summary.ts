import type { ChalkInstance } from "chalk";
import type { Direction, FrameStatus, IsochErrorCode, Speed } from "../../index.js";
import type { VideoEncoding } from "../../class/uvc/index.js";
import type { CounterStatistics } from "../../../transports/virtual/index.js";
import { hexAddress } from "../../endpoint.js";
import { count, counted, megabytes, microseconds, sparkline } from "../format.js";
import { secondsOf } from "./tally.js";
import { nameOf, placeOf } from "../names.js";
import type { VideoState } from "../video/video-track.js";
import type { WatchEnd, WatchState } from "./state.js";

/** How a watch went: plain data, and the output of `--json`. */
export interface Summary {
  readonly device: string;
  readonly transport: string;
  readonly speed: Speed;
  readonly endpoint: number;
  readonly direction: Direction;
  readonly interfaceNumber: number;
  readonly alternate: number;
  /** Bytes asked for in each frame. */
  readonly frameLength: number;
  /** Microseconds. */
  readonly frameDuration: number;
  readonly end: WatchEnd["reason"];
  /** Set where the end is `failed`. */
  readonly error?: { readonly code: IsochErrorCode; readonly message: string };
  /** On the bus, from the first frame to the last. */
  readonly seconds: number;
  readonly transfers: number;
  /** Frames that the bus had, from the first that was delivered to the last. */
  readonly busFrames: number;
  readonly delivered: number;
  readonly lost: number;
  /** Delivered frames whose status is not `ok`. */
  readonly failed: number;
  /** Frames that were `ok` with fewer bytes than were asked for. */
  readonly short: number;
  /** What went wrong, and in how many frames. */
  readonly statuses: Readonly<Partial<Record<FrameStatus, number>>>;
  readonly bytes: number;
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Microseconds. */
  readonly jitter: { readonly mean: number; readonly max: number };
  /** What the counters in the packets say (IN). */
  readonly counters?: { readonly inSequence: number; readonly skipped: number; readonly wrong: number };
  /** What came of a camera. */
  readonly pictures?: {
    readonly format: VideoEncoding;
    readonly width: number;
    readonly height: number;
    readonly complete: number;
    readonly incomplete: number;
    /** Complete ones, from the first to the last. */
    readonly perSecond: number;
  };
  /** What the device says of the packets it received (OUT). */
  readonly statistics?: CounterStatistics;
  readonly checks: {
    /** Delivered and lost frames are as many as the bus had. */
    readonly conserved: boolean;
    /** Every counter is the one that its frame should have. */
    readonly counters?: boolean;
  };
}

export function summarize(state: WatchState): Summary {
  const { device, transport, endpoint, totals, span, troubles, counter, statistics, video, end } = state;
  const seconds = secondsOf(span, endpoint.frameDuration);
  const perSecond = seconds === 0 ? 0 : 1 / seconds;
  const busFrames = span === undefined ? 0 : span.endFrame - span.firstFrame;
  return {
    device: nameOf(device),
    transport,
    speed: device.info.speed,
    endpoint: endpoint.address,
    direction: endpoint.direction,
    interfaceNumber: endpoint.interfaceNumber,
    alternate: endpoint.alternate,
    frameLength: endpoint.frameLength,
    frameDuration: endpoint.frameDuration,
    end: end?.reason ?? "interrupted",
    ...(end?.reason === "failed" && { error: { code: end.error.code, message: end.error.message } }),
    seconds,
    transfers: totals.transfers,
    busFrames,
    delivered: totals.delivered,
    lost: totals.lost,
    failed: totals.failed,
    short: troubles.short,
    statuses: troubles.statuses,
    bytes: totals.bytes,
    framesPerSecond: totals.delivered * perSecond,
    bytesPerSecond: totals.bytes * perSecond,
    jitter: { mean: totals.jitter, max: totals.maxJitter },
    ...(counter && {
      counters: { inSequence: counter.inSequence, skipped: counter.skipped, wrong: counter.wrong },
    }),
    ...(video && { pictures: picturesOf(video) }),
    ...(statistics && { statistics }),
    checks: {
      conserved: totals.delivered + totals.lost === busFrames,
      ...(counter && { counters: counter.wrong === 0 && (counter.skipped === 0 || counter.skips) }),
    },
  };
}

function picturesOf({ format, width, height, complete, incomplete, meanRate }: VideoState) {
  return { format, width, height, complete, incomplete, perSecond: meanRate };
}

/** Whether everything that can be checked is right. Losses are: they were told. */
export function isSound({ checks }: Summary): boolean {
  return checks.conserved && checks.counters !== false;
}

/** The summary for people, with the rate over time above it. */
export function summaryText(state: WatchState, chalk: ChalkInstance): string {
  const summary = summarize(state);
  const { delivered, lost, failed, short, busFrames, counters, pictures, statistics, checks, jitter } = summary;
  const rates = state.windows.map(({ framesPerSecond }) => framesPerSecond).slice(-58);
  const bad = (value: number, text: string) => (value === 0 ? text : chalk.yellow(text));
  const verdict = (isRight: boolean | undefined, text: string) =>
    isRight === false ? chalk.red(`✘ ${text}`) : chalk.green(`✔ ${text}`);
  const rows: [name: string, value: string][] = [
    ["delivered", `${counted(delivered, "frame")}, ${megabytes(summary.bytes)}`],
    ["lost", bad(lost, counted(lost, "frame"))],
    ["failed", bad(failed, counted(failed, "frame") + failures(summary))],
    // Cameras fill no packet but when they have to.
    ...(short === 0 || pictures !== undefined
      ? []
      : [["short", `${counted(short, "frame")} with fewer bytes than asked for`] as [string, string]]),
    ["mean rate", `${megabytes(summary.bytesPerSecond)}/s, ${count(summary.framesPerSecond)} frames/s`],
    ["jitter", `${microseconds(jitter.mean)} mean, ${microseconds(jitter.max)} at most`],
    ["frames", verdict(checks.conserved, sumText(delivered, lost, busFrames, checks.conserved))],
  ];
  if (pictures !== undefined) {
    const { format, width, height, complete, incomplete, perSecond } = pictures;
    const whole = `${counted(complete, "picture")} of ${format}, ${width} × ${height}, ${perSecond.toFixed(1)}/s`;
    rows.push(["pictures", incomplete === 0 ? whole : `${whole}, ${chalk.yellow(`${count(incomplete)} incomplete`)}`]);
  }
  if (counters !== undefined) {
    const { inSequence, skipped, wrong } = counters;
    const slips = skipped + wrong === 0 ? "" : `, ${count(skipped)} skipped, ${count(wrong)} wrong`;
    rows.push(["counters", verdict(checks.counters, `${counted(inSequence, "packet")} with the counter due${slips}`)]);
  }
  if (statistics !== undefined) {
    const { packets, mismatches, short } = statistics;
    const when = summary.end === "failed" ? " when last asked" : "";
    const text = `${counted(packets, "packet")} received${when}, ${counted(mismatches, "gap")}, ${count(short)} too short`;
    rows.push(["device", bad(mismatches + short, text)]);
  }
  return [
    "",
    ` ${headline(state, summary, chalk)}`,
    ` ${chalk.dim(`${summary.direction.toUpperCase()} ${hexAddress(summary.endpoint)} of ${summary.device} ${placeOf(state.device, summary.transport)}, ${summary.speed} speed`)}`,
    "",
    ...(rates.length < 5 ? [] : [` ${"rate".padEnd(10)} ${chalk.cyan(sparkline(rates, 1e6 / summary.frameDuration))}`]),
    ...rows.map(([name, value]) => ` ${name.padEnd(10)} ${value}`),
  ].join("\n");
}

function headline({ end }: WatchState, { seconds }: Summary, chalk: ChalkInstance): string {
  const time = `${seconds.toFixed(2)} s`;
  if (end?.reason === "failed") return chalk.red.bold(`Failed after ${time}: ${end.error.code}`);
  return end?.reason === "finished" ? chalk.bold(`Finished after ${time}`) : chalk.bold(`Interrupted after ${time}`);
}

function failures({ statuses }: Summary): string {
  const each = Object.entries(statuses).filter(([status]) => status !== "lost");
  return each.length === 0 ? "" : ` (${each.map(([status, frames]) => `${status} ${count(frames)}`).join(", ")})`;
}

function sumText(delivered: number, lost: number, busFrames: number, isRight: boolean): string {
  const sum = `${count(delivered)} delivered + ${count(lost)} lost`;
  return isRight ? `${sum} = ${count(busFrames)} on the bus` : `${sum} are not the ${count(busFrames)} on the bus`;
}
