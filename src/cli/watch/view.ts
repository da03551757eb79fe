import type { ChalkInstance } from "chalk";
import { hexAddress } from "../../endpoint.js";
import { bar, count, counted, megabytes, microseconds, seconds, sparkline } from "../format.js";
import type { Incident } from "./tally.js";
import { nameOf, placeOf } from "../names.js";
import type { WatchState } from "./state.js";

/** Where a view is shown. */
export interface Screen {
  readonly columns: number;
  readonly chalk: ChalkInstance;
}

/** The narrowest screen on which explanations have room. */
const roomy = 76;

/** Rates are taken over the last milliseconds: in a shorter time, one transfer more or less shows. */
const rateWindow = 1000;

/**
 * The state as lines for a live view, none longer than the screen is wide from 60 columns up. Their
 * number stays the same throughout a watch: log-update 7.2 drops lines where it grows.
 */
export function liveView(state: WatchState, { columns, chalk }: Screen): string {
  const { totals, troubles, duration, windows, endpoint } = state;
  const width = Math.min(columns, 100) - 2;
  const fit = (text: string) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
  const label = (text: string) => chalk.bold(text.padEnd(10));
  const row = (name: string, value: string, paint: (text: string) => string, explanation: string) =>
    label(name) + (width < roomy ? paint(value) : `${paint(value.padEnd(28))} ${chalk.dim(explanation)}`);
  const plain = (text: string) => text;
  const unless = (bad: boolean) => (bad ? chalk.yellow : chalk.green);
  const time = timeText(totals.elapsed, duration);
  const progress = bar(totals.elapsed / duration, width - time.length - 2);
  const recent = recentRate(state);
  const rates = windows.map(({ framesPerSecond }) => framesPerSecond).slice(-(width - 10));
  const { last, incidents } = troubles;
  const lines = [
    chalk.bold(fit(nameOnBus(state))),
    chalk.dim(fit(describeEndpoint(state))),
    "",
    `${chalk.cyan(progress.done)}${chalk.dim(progress.left)}  ${time}`,
    "",
    row("rate", `${megabytes(recent.bytes)}/s, ${count(recent.frames)} frames/s`, chalk.cyan, "in the last second"),
    label("") + chalk.cyan(sparkline(rates, 1e6 / endpoint.frameDuration)),
    row("frames", count(totals.delivered), plain, "delivered"),
    row("lost", count(totals.lost), unless(totals.lost > 0), "passed while nothing was queued"),
    row("failed", count(totals.failed), unless(totals.failed > 0), "delivered with an error of the bus"),
    row("jitter", jitterText(state), plain, "of the spacing of completions"),
    ...checkRows(state).map(({ name, value, isGood, explanation }) => row(name, value, unless(!isGood), explanation)),
    last === undefined
      ? row("trouble", "none so far", chalk.green, "")
      : row("trouble", describeIncident(last), chalk.yellow, `the last of ${count(incidents)}`),
    "",
    chalk.dim("Ctrl-C stops."),
  ];
  return lines.map((line) => (line === "" ? "" : ` ${line}`)).join("\n");
}

/** "2.0 of 5.0 s"; without the end where nobody knows it. */
export function timeText(elapsed: number, duration: number): string {
  return duration === Infinity
    ? `${seconds(elapsed)} s`
    : `${seconds(Math.min(elapsed, duration))} of ${seconds(duration)} s`;
}

/** The line before the first {@link plainLine}. */
export function plainHeader(state: WatchState): string {
  return `${nameOnBus(state)}\n${describeEndpoint(state)}`;
}

/** The state as one line, for a log. */
export function plainLine(state: WatchState): string {
  const { totals } = state;
  const recent = recentRate(state);
  return [
    `${seconds(totals.elapsed).padStart(5)} s`,
    `${megabytes(recent.bytes)}/s`.padStart(11),
    ...(state.video === undefined ? [] : [`${state.video.recentRate.toFixed(1)} pictures/s`]),
    `${count(recent.frames)} frames/s`.padStart(14),
    `${count(totals.delivered)} frames`.padStart(14),
    `lost ${count(totals.lost)}`,
    `failed ${count(totals.failed)}`,
    `jitter ${jitterText(state)}`,
  ].join("  ");
}

export function nameOnBus({ device, transport }: WatchState): string {
  return `${nameOf(device)} ${placeOf(device, transport)}, ${device.info.speed} speed`;
}

function describeEndpoint({ endpoint }: WatchState): string {
  const { direction, address, frameLength, frameDuration, queue, frames } = endpoint;
  const rate = `${count(frameLength)} bytes × ${count(1e6 / frameDuration)} frames/s`;
  return `${direction.toUpperCase()} ${hexAddress(address)}: ${rate}, ${counted(queue, "transfer")} of ${counted(frames, "frame")} in flight`;
}

/** A check, as a row. */
interface CheckRow {
  readonly name: string;
  readonly value: string;
  readonly isGood: boolean;
  readonly explanation: string;
}

function checkRows({ counter, statistics }: WatchState): CheckRow[] {
  const rows: CheckRow[] = [];
  if (counter !== undefined) {
    const { inSequence, skipped, wrong, skips } = counter;
    const value =
      skipped + wrong === 0 ? `${count(inSequence)} in order` : `${count(skipped)} skipped, ${count(wrong)} wrong`;
    const isGood = wrong === 0 && (skipped === 0 || skips);
    rows.push({ name: "counters", value, isGood, explanation: "packets with the counter due" });
  }
  if (statistics !== undefined) {
    const { packets, mismatches, short } = statistics;
    rows.push({
      name: "device",
      value: counted(packets, "packet"),
      isGood: true,
      explanation: "received by the device",
    });
    rows.push({
      name: "",
      value: `${counted(mismatches, "gap")}, ${count(short)} too short`,
      isGood: mismatches + short === 0,
      explanation: "in what the device received",
    });
  }
  return rows;
}

function describeIncident({ status, frame, frames }: Incident): string {
  return `frame ${count(frame)}: ${status}${frames === 1 ? "" : ` × ${count(frames)}`}`;
}

function jitterText({ totals }: WatchState): string {
  return `${microseconds(totals.jitter)} (${microseconds(totals.maxJitter)} at most)`;
}

/** Frames and bytes in a second, of late. */
export function recentRate({ windows }: WatchState): { readonly frames: number; readonly bytes: number } {
  let milliseconds = 0;
  let frames = 0;
  let bytes = 0;
  for (let i = windows.length - 1; i >= 0 && milliseconds < rateWindow; i--) {
    milliseconds += windows[i]?.milliseconds ?? 0;
    frames += windows[i]?.frames ?? 0;
    bytes += windows[i]?.bytes ?? 0;
  }
  const perSecond = milliseconds === 0 ? 0 : 1000 / milliseconds;
  return { frames: frames * perSecond, bytes: bytes * perSecond };
}
