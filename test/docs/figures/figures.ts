import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runExample } from "../../examples/bundle.js";
import { wavSamples } from "../../examples/files.js";
import { plot } from "./plot.js";

/** What is shown of the examples in docs, by the name of the file: made by running them in `directory`. */
export async function figures(directory: string): Promise<ReadonlyMap<string, Buffer | string>> {
  for (const name of ["webcam-to-file", "microphone-to-wav", "wav-to-speaker", "remote-device"]) {
    await runExample(directory, name);
  }
  await runExample(directory, "instrument-to-csv", ["table.csv"]);
  const read = (file: string) => readFileSync(join(directory, file));
  return new Map<string, Buffer | string>([
    ["camera.png", read("webcam.png")],
    ["remote.png", read("remote.png")],
    ["microphone.svg", microphonePlot(wavSamples(read("microphone.wav")).samples)],
    ["speaker.svg", speakerPlot(wavSamples(read("tone.wav")).samples, wavSamples(read("heard.wav")).samples)],
    ["losses.svg", lossPlot(read("table.csv").toString())],
  ]);
}

const sampleRate = 48_000;
const volume = { from: -20_000, to: 20_000, step: 10_000, label: "sample" };

function time(milliseconds: number) {
  return { from: 0, to: milliseconds, step: 1, label: "milliseconds" };
}

/** One channel of stereo samples, from the beginning: milliseconds, sample. */
function wave(samples: Int16Array, channel: number, milliseconds: number): [x: number, y: number][] {
  const count = (milliseconds * sampleRate) / 1000;
  return Array.from({ length: count + 1 }, (_, i) => [(i * 1000) / sampleRate, samples[2 * i + channel] ?? 0]);
}

function microphonePlot(samples: Int16Array): string {
  return plot(time(5), volume, [
    { name: "left, 997 Hz", colour: "#0b6bcb", as: "line", points: wave(samples, 0, 5) },
    { name: "right, 1,994 Hz", colour: "#c2410c", as: "line", points: wave(samples, 1, 5) },
  ]);
}

function speakerPlot(sent: Int16Array, heard: Int16Array): string {
  // Before the first packet of sound there may be packets of silence.
  const first = heard.findIndex((sample) => sample !== 0);
  const shown = heard.subarray(Math.max(0, (Math.floor(first / 2) - 1) * 2));
  return plot(time(2), volume, [
    { name: "tone.wav, left", colour: "#94a3b8", as: "line", points: wave(sent, 0, 2) },
    { name: "heard.wav, left", colour: "#0b6bcb", as: "dots", points: wave(shown, 0, 2) },
  ]);
}

/** How many frames of each 50 were good, bad, or lost. */
function lossPlot(table: string): string {
  const width = 50;
  const statuses = table
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[1] ?? "");
  const bars = (counts: (status: string) => boolean) =>
    Array.from({ length: Math.ceil(statuses.length / width) }, (_, i): [x: number, y: number] => [
      i * width,
      statuses.slice(i * width, (i + 1) * width).filter(counts).length,
    ]);
  return plot(
    { from: 0, to: statuses.length, step: 500, label: "frame" },
    { from: 0, to: width, step: 10, label: `frames of each ${width}` },
    [
      { name: "good", colour: "#94a3b8", as: "bars", width, points: bars(() => true) },
      { name: "bad", colour: "#c2410c", as: "bars", width, points: bars((status) => status !== "ok") },
      { name: "lost", colour: "#0b6bcb", as: "bars", width, points: bars((status) => status === "lost") },
    ],
  );
}
