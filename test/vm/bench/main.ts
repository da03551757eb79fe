import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CounterBus } from "../guest/support/counter-devices.js";
import { setting } from "../guest/support/share.js";
import type { Outcome } from "./contestant.js";

// In the guest: the ceiling of high speed, 3 × 1,024 bytes in each microframe, taken in several ways,
// one after the other on the same device.

const run = promisify(execFile);
const seconds = Number(setting("BENCH_SECONDS"));
const rounds = Number(setting("BENCH_ROUNDS"));
const packetLength = 3072;
/** Emulation translates what V8 has just compiled, once. */
const warmUp = 5;

/** In flight for as long as usbfs has memory by default: emulation holds up threads as no real machine does. */
interface Size {
  readonly name: string;
  readonly packets: number;
  readonly queue: number;
  /** Of 256 ms, where there are batches. */
  readonly batch: number;
}

const sizes: readonly Size[] = [
  { name: "transfers of 8 ms", packets: 64, queue: 80, batch: 32 },
  { name: "transfers of 64 ms", packets: 512, queue: 10, batch: 4 },
];

const bus = await CounterBus.open();
const counter = await bus.attach({ speed: "high" });
const { bus: busNumber, number } = counter.sysfs;

type Contestant = (size: Size) => Promise<Outcome>;

const c: Contestant = ({ packets, queue }) =>
  print(setting("VM_STREAM"), busNumber, number, packetLength, packets, queue, warmUp, seconds);

const rxIsoch = (kind: string, { packets, queue }: Size, batch = 1, stall = 0): Promise<Outcome> =>
  print(
    process.execPath,
    join(import.meta.dirname, "contestant.js"),
    ...[kind, packets, queue, batch, warmUp, seconds, stall],
  );

const contestants: Readonly<Record<string, Contestant>> = {
  "C on libusb": c,
  "per transfer, woken for each": (size) => rxIsoch("transfers", size),
  "per frame, woken for each": (size) => rxIsoch("frames", size),
  "per transfer, in batches": (size) => rxIsoch("transfers", size, size.batch),
  "per frame, in batches": (size) => rxIsoch("frames", size, size.batch),
};

async function print(program: string, ...args: readonly (string | number)[]): Promise<Outcome> {
  const { stdout } = await run(program, args.map(String));
  return JSON.parse(stdout) as Outcome;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const perSecond = ({ cpu, frames }: Outcome): number => cpu / (frames / 8000);
const sum = (all: readonly Outcome[], name: keyof Outcome): number =>
  all.reduce((total, each) => total + each[name], 0);

async function compare(size: Size): Promise<void> {
  const outcomes = Object.entries(contestants).map(([name, take]) => ({ name, take, all: [] as Outcome[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { take, all } of outcomes) all.push(await take(size));
  }
  console.log(
    `\n24.576 MB/s IN, ${size.name}, batches of ${size.batch}, ${rounds} rounds of ${seconds} s; CPU seconds for each second`,
  );
  const reference = median((outcomes[0]?.all ?? []).map(perSecond));
  for (const { name, all } of outcomes) {
    const costs = all.map(perSecond);
    console.log(
      [
        name.padEnd(30),
        `${median(costs).toFixed(3)} (${Math.min(...costs).toFixed(3)} to ${Math.max(...costs).toFixed(3)})`,
        `${(median(costs) / reference).toFixed(2)} × C`,
        `missing ${sum(all, "missing")}`,
        `reported lost ${sum(all, "lost")}`,
      ].join("   "),
    );
  }
}

async function stall(size: Size): Promise<void> {
  console.log(`\nthe program blocked for 2 s, ${size.name}, ${size.queue} in flight`);
  for (const [name, kind] of [
    ["rx-isoch, per transfer", "transfers"],
    ["JavaScript resubmits", "javascript"],
  ] as const) {
    const { frames, missing, lost } = await rxIsoch(kind, size, 1, 2);
    console.log(`${name.padEnd(24)}   frames ${frames}   missing ${missing}   reported lost ${lost}`);
  }
}

for (const size of sizes) await compare(size);
for (const size of sizes) await stall(size);
await bus.close();
