import type { ChalkInstance } from "chalk";
import { bar, count, counted, hexAddress, megabytes, microseconds, seconds, sparkline } from "./format.js";
import type { Incident } from "./tally.js";
import { nameOf } from "./target.js";
import type { WatchState } from "./watch.js";

/** Where a view is shown. */
export interface Screen {
  readonly columns: number;
  readonly chalk: ChalkInstance;
}

/** The narrowest screen on which explanations have room. */
const roomy = 76;

/** Rates are taken over the last milliseconds: in a shorter time, one transfer more or less shows. */
const rateWindow = 1000;

/** The state as lines for a live view, none longer than the screen is wide. */
export function liveView(state: WatchState, { columns, chalk }: Screen): string {
  const { totals, troubles, duration, windows, endpoint } = state;
  const width = Math.min(columns, 100) - 2;
  const label = (text: string) => chalk.bold(text.padEnd(10));
  const row = (name: string, value: string, paint: (text: string) => string, explanation: string) =>
    label(name) + (width < roomy ? paint(value) : paint(value.padEnd(26)) + chalk.dim(explanation));
  const time = `${seconds(Math.min(totals.elapsed, duration))} of ${seconds(duration)} s`;
  const progress = bar(totals.elapsed / duration, width - time.length - 2);
  const recent = recentRate(state);
  const most = 1e6 / endpoint.frameDuration;
  const rates = windows.map(({ framesPerSecond }) => framesPerSecond).slice(-(width - 10));
  const bad = (value: number) => (value === 0 ? chalk.green : chalk.yellow);
  const { last, incidents } = troubles;
  const lines = [
    chalk.bold(`${nameOf(state.device)} on the ${state.transport} bus, ${state.device.info.speed} speed`),
    chalk.dim(describeEndpoint(state)),
    "",
    `${chalk.cyan(progress.done)}${chalk.dim(progress.left)}  ${time}`,
    "",
    label("rate") + chalk.cyan(`${megabytes(recent.bytes)}/s  ${count(recent.frames)} frames/s`),
    label("") + chalk.cyan(sparkline(rates, most)),
    row("frames", count(totals.delivered), (text) => text, "moved on the bus and delivered"),
    row("lost", count(totals.lost), bad(totals.lost), "moved on the bus, never delivered"),
    row("failed", count(totals.failed), bad(totals.failed), "delivered with an error of the bus"),
    row("jitter", jitterText(state), (text) => text, "off even spacing: mean, most"),
    ...checkRows(state).map(({ name, value, isGood, explanation }) =>
      row(name, value, isGood ? chalk.green : chalk.red, explanation),
    ),
    row(
      "trouble",
      last === undefined ? "none" : describeIncident(last),
      last === undefined ? chalk.green : chalk.yellow,
      last === undefined ? "the last that was seen" : `the last of ${count(incidents)}`,
    ),
    "",
    chalk.dim("Ctrl-C stops."),
  ];
  return lines.map((line) => (line === "" ? "" : ` ${line}`)).join("\n");
}

/** The line before the first {@link plainLine}. */
export function plainHeader(state: WatchState): string {
  return `${nameOf(state.device)} on the ${state.transport} bus, ${state.device.info.speed} speed: ${describeEndpoint(state)}`;
}

/** The state as one line, for a log. */
export function plainLine(state: WatchState): string {
  const { totals } = state;
  const recent = recentRate(state);
  return [
    `${seconds(totals.elapsed).padStart(5)} s`,
    `${megabytes(recent.bytes)}/s`.padStart(11),
    `${count(recent.frames)} frames/s`.padStart(14),
    `${count(totals.delivered)} frames`.padStart(14),
    `lost ${count(totals.lost)}`,
    `failed ${count(totals.failed)}`,
    `jitter ${jitterText(state)}`,
  ].join("  ");
}

/** "IN 0x81: 3,072 bytes a frame, 8,000 frames/s, 8 × 64 queued" */
export function describeEndpoint({ endpoint }: Pick<WatchState, "endpoint">): string {
  const { direction, address, frameLength, frameDuration, queue, frames } = endpoint;
  const rate = count(1e6 / frameDuration);
  return `${direction.toUpperCase()} ${hexAddress(address)}: ${count(frameLength)} bytes × ${rate} frames/s, ${queue} × ${frames} frames queued`;
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
    rows.push({ name: "counters", value, isGood, explanation: "checked in each good packet" });
  }
  if (statistics !== undefined) {
    const { packets, mismatches, short } = statistics;
    rows.push({ name: "device", value: counted(packets, "packet"), isGood: true, explanation: "have arrived there" });
    rows.push({
      name: "",
      value: `${count(mismatches)} gaps, ${count(short)} too short`,
      isGood: mismatches + short === 0,
      explanation: "in the counters it received",
    });
  }
  return rows;
}

function describeIncident({ status, frame, frames }: Incident): string {
  return `${status} at ${count(frame)}${frames === 1 ? "" : `, × ${count(frames)}`}`;
}

function jitterText({ totals }: WatchState): string {
  return `${microseconds(totals.jitter)}, ${microseconds(totals.maxJitter)}`;
}

/** Frames and bytes in a second, of late. */
function recentRate({ windows }: WatchState): { readonly frames: number; readonly bytes: number } {
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
