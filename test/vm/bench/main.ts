import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CounterBus } from "../guest/support/counter-devices.js";
import { setting } from "../guest/support/share.js";
import type { Outcome, Task } from "./contestant.js";

// In the guest: the ceiling of high speed, 3 × 1,024 bytes in each microframe, taken in several ways,
// one after the other on the same device.

const run = promisify(execFile);
const seconds = Number(setting("BENCH_SECONDS"));
const rounds = Number(setting("BENCH_ROUNDS"));
const packetLength = 3072;
/** Emulation translates what V8 has just compiled, once. */
const warmUp = Number(setting("BENCH_WARM_UP"));

/** In flight for as long as usbfs has memory by default: emulation holds up threads as no real machine does. */
interface Size {
  readonly name: string;
  readonly frames: number;
  readonly queue: number;
  /** Of 256 ms, where there are batches. */
  readonly batch: number;
}

const small: Size = { name: "transfers of 8 ms", frames: 64, queue: 80, batch: 32 };
const large: Size = { name: "transfers of 64 ms", frames: 512, queue: 10, batch: 4 };

type Contestant = (size: Size) => Promise<Outcome>;

const bus = await CounterBus.open();
const counter = await bus.attach({ speed: "high" });
const { bus: busNumber, number } = counter.sysfs;

const c: Contestant = ({ frames, queue }) =>
  print(setting("VM_STREAM"), busNumber, number, packetLength, frames, queue, warmUp, seconds);

const rxIsoch =
  (way: Task["way"], changes: Partial<Task> = {}): Contestant =>
  ({ frames, queue }) => {
    const task: Task = { way, frames, queue, batch: 1, warmUp, seconds, stall: 0, ...changes };
    return print(process.execPath, join(import.meta.dirname, "contestant.js"), JSON.stringify(task));
  };

async function print(program: string, ...args: readonly (string | number)[]): Promise<Outcome> {
  const { stdout } = await run(program, args.map(String));
  return JSON.parse(stdout) as Outcome;
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
};
const cpuPerSecond = ({ cpu, frames }: Outcome): number => cpu / (frames / 8000);
const range = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

/** Each round has all contestants, the first first; what another costs is set against the first of its round. */
async function compare(size: Size, contestants: Readonly<Record<string, Contestant>>): Promise<void> {
  const all = Object.entries(contestants).map(([name, take]) => ({ name, take, outcomes: [] as Outcome[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { take, outcomes } of all) outcomes.push(await take(size));
  }
  console.log(
    `\n24.576 MB/s IN, ${size.name}, ${rounds} rounds of ${seconds} s; CPU seconds for each second of the bus`,
  );
  const reference = all[0]?.outcomes.map(cpuPerSecond) ?? [];
  for (const { name, outcomes } of all) {
    const costs = outcomes.map(cpuPerSecond);
    const sum = (what: keyof Outcome): number => outcomes.reduce((total, each) => total + each[what], 0);
    console.log(
      [
        name.padEnd(40),
        range(costs, 3),
        `× ${range(
          costs.map((cost, i) => cost / (reference[i] ?? NaN)),
          2,
        )}`,
        `${((sum("frames") * packetLength) / sum("seconds") / 1e6).toFixed(3)} MB/s`,
        `missing ${sum("missing")}`,
        `reported lost ${sum("lost")}`,
      ].join("   "),
    );
  }
}

async function stall(size: Size): Promise<void> {
  console.log(`\nthe program blocked for 2 s, ${size.name}, ${size.queue} in flight`);
  for (const [name, way] of [
    ["per transfer", "transfers"],
    ["JavaScript resubmits", "javascript"],
  ] as const) {
    const { frames, missing, lost } = await rxIsoch(way, { warmUp: 5, stall: 2 })(size);
    console.log(`${name.padEnd(40)}   frames ${frames}   missing ${missing}   reported lost ${lost}`);
  }
}

for (const size of [small, large]) {
  await compare(size, {
    "C on libusb": c,
    "per transfer, woken for each": rxIsoch("transfers"),
    [`per transfer, in batches of ${size.batch}`]: rxIsoch("transfers", { batch: size.batch }),
    "per frame, woken for each": rxIsoch("frames"),
    [`per frame, in batches of ${size.batch}`]: rxIsoch("frames", { batch: size.batch }),
  });
}
for (const size of [small, large]) await stall(size);

// A device has one client at a time.
await counter.detach();
await compare(large, {
  "USB/IP by the kernel, libusb by rx-isoch": async (size) => {
    await counter.attach();
    try {
      return await rxIsoch("transfers")(size);
    } finally {
      await counter.detach();
    }
  },
  "USB/IP by rx-isoch": rxIsoch("transfers", { remote: counter.address }),
});
await bus.close();
