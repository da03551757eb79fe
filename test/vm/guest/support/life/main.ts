import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { libusbCounters } from "rx-isoch/transports/libusb";
import { CounterBus } from "../counter-devices.js";
import { until } from "../sysfs.js";
import { cycles } from "./cycles.js";
import { play, type Role } from "./others.js";
import { Random } from "./random.js";

/*
 * Random lives of the libusb transport, over a counter device at full speed. A program of its own, so
 * that its exit status says whether it crashed, and so that it runs with a sanitizer.
 */

const cycleLimit = 60_000;
const cyclesInBatch = 20;
/** More than these tell nothing new. */
const failureLimit = 5;

async function live(count: number, seed: number): Promise<void> {
  console.log(`life: ${count} cycles, LIFE_SEED=${seed}`);
  const random = new Random(seed);
  await using bus = await CounterBus.open();
  let plugged = 0;
  const plug = () => bus.attach({ speed: "full", serialNumber: `life-${++plugged}` });
  let counter = await plug();
  let failures = 0;
  const took = new Map<string, number[]>();
  const names = schedule(random, count);
  for (const [index, name] of names.entries()) {
    const { run } = cycles[name] ?? {};
    if (run === undefined) throw new Error(`no cycle is called ${name}`);
    const start = performance.now();
    const stage = {
      random,
      counter,
      replace: async () => {
        counter = await plug();
      },
    };
    try {
      await bounded(run(stage), cycleLimit);
      await untilIdle();
      if (index % cyclesInBatch === cyclesInBatch - 1 || index === names.length - 1) await untilCollected();
    } catch (cause) {
      const inUse = JSON.stringify(libusbCounters());
      console.error(new Error(`cycle ${index}, ${name}, LIFE_SEED=${seed}: ${inUse}`, { cause }));
      if (++failures >= failureLimit) break;
    }
    took.set(name, [...(took.get(name) ?? []), performance.now() - start]);
  }
  if (failures > 0) process.exitCode = 1;
  for (const [name, times] of took) {
    const mean = times.reduce((sum, each) => sum + each, 0) / times.length;
    console.log(
      `life: ${name} ${times.length} times, ${mean.toFixed(0)} ms each, ${Math.max(...times).toFixed(0)} at most`,
    );
  }
}

/** One of each, as far as they go, and then by weight. */
function schedule(random: Random, count: number): string[] {
  const bag = Object.entries(cycles).flatMap(([name, { weight }]) => new Array<string>(weight).fill(name));
  const first = random.shuffled(Object.keys(cycles)).slice(0, count);
  return [...first, ...Array.from({ length: count - first.length }, () => random.pick(bag))];
}

async function bounded(work: Promise<void>, limit: number): Promise<void> {
  const timer = new AbortController();
  try {
    await Promise.race([
      work,
      sleep(limit, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`hangs: not over within ${limit / 1000} s`);
      }),
    ]);
  } finally {
    timer.abort();
  }
}

/** Nothing is in use but memory that the collector has not found yet. */
async function untilIdle(): Promise<void> {
  await until("everything is closed", () => {
    const { buffers: _buffers, dmaBuffers: _dmaBuffers, ...closed } = libusbCounters();
    return Object.values(closed).every((each) => each === 0);
  });
}

async function untilCollected(): Promise<void> {
  await until("all memory is collected", () => {
    globalThis.gc?.();
    return Object.values(libusbCounters()).every((each) => each === 0);
  });
}

/** Makes sure that it is that build which lives here. */
function expectAddon(path: string | undefined): void {
  libusbCounters();
  const inMemory = readFileSync("/proc/self/maps", "utf8");
  if (path !== undefined && !inMemory.includes(path)) throw new Error(`the addon is not ${path}`);
}

const [, , role] = process.argv;
if (!isMainThread) {
  play(workerData as Role, () => parentPort?.postMessage("streaming"));
} else if (role !== undefined) {
  play(JSON.parse(role) as Role, () => process.send?.("streaming"));
} else {
  if (globalThis.gc === undefined) throw new Error("run it with --expose-gc");
  expectAddon(process.env["LIFE_ADDON"]);
  await live(Number(process.env["LIFE_CYCLES"] ?? 150), Number(process.env["LIFE_SEED"] ?? randomInt(2 ** 32)));
  // An exit by itself: nothing keeps the loop alive.
  console.log("life: over");
}
