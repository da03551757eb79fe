import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CounterBus } from "../guest/support/counter-devices.js";
import { setting } from "../guest/support/share.js";
import type { Outcome } from "./contestant.js";

// In the guest: the ceiling of high speed, 3 × 1,024 bytes in each microframe, taken in several ways,
// one after the other on the same device.

const run = promisify(execFile);
const seconds = Number(process.env["BENCH_SECONDS"] ?? 15);
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);
const directory = import.meta.dirname;
const packetLength = 3072;
const packets = 64;
/** In flight for 256 ms: emulation holds up threads as no real machine does. */
const queue = 32;
/** What field code keeps in flight where JavaScript resubmits. */
const shallow = 8;

const bus = await CounterBus.open();
const counter = await bus.attach({ speed: "high" });
const { bus: busNumber, number } = counter.sysfs;

function node(kind: string, depth: number, stall = 0): () => Promise<Outcome> {
  const script = join(directory, "vm-bench-contestant.js");
  return () => print(process.execPath, script, kind, packets, depth, seconds, stall);
}

async function print(program: string, ...args: readonly (string | number)[]): Promise<Outcome> {
  const { stdout } = await run(program, args.map(String));
  return JSON.parse(stdout) as Outcome;
}

const c = () => print(join(setting("VM_SHARE"), "stream"), busNumber, number, packetLength, packets, queue, seconds);
const contestants: readonly (readonly [string, () => Promise<Outcome>])[] = [
  ["C on libusb", c],
  ["rx-isoch, results()", node("transfers", queue)],
  ["rx-isoch, frame by frame", node("frames", queue)],
];

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const outcomes = new Map(contestants.map(([name]) => [name, [] as Outcome[]]));
for (let round = 0; round < rounds; round++) {
  for (const [name, take] of contestants) outcomes.get(name)?.push(await take());
}

const perSecond = (outcome: Outcome): number => outcome.cpu / (outcome.frames / 8000);
console.log(`\n24.576 MB/s IN for ${seconds} s, ${rounds} rounds; CPU seconds for each second of the stream`);
const reference = median((outcomes.get("C on libusb") ?? []).map(perSecond));
for (const [name, all] of outcomes) {
  const costs = all.map(perSecond);
  const middle = median(costs);
  console.log(
    [
      name.padEnd(26),
      `${middle.toFixed(3)} (${Math.min(...costs).toFixed(3)} to ${Math.max(...costs).toFixed(3)})`,
      `${(middle / reference).toFixed(2)} × C`,
      `frames ${all.map(({ frames }) => frames).join(", ")}`,
      `missing ${all.map(({ missing }) => missing).join(", ")}`,
      `reported lost ${all.map(({ lost }) => lost).join(", ")}`,
    ].join("   "),
  );
}

console.log("\nthe program blocked for 2 s");
for (const [name, take] of [
  ["results(), default queue", node("transfers", shallow, 2)],
  ["JavaScript resubmits", node("javascript", shallow, 2)],
] as const) {
  const { frames, missing, lost } = await take();
  console.log(`${name.padEnd(26)}   frames ${frames}   missing ${missing}   reported lost ${lost}`);
}

await bus.close();
