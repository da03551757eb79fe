import { allocated, distribution, seconds, type Distribution } from "./measure.js";
import { measureOpening } from "./replay.js";
import { measureVideo } from "./video.js";
import { busAlone, frameByFrame, plainLoop, resultsCompacted, type Geometry, type Workload } from "./workloads.js";

const geometries: readonly Geometry[] = [
  {
    name: "high speed, 3 x 1024 B, 64 frames a transfer",
    speed: "high",
    clockPpm: 0,
    frameLength: 3072,
    frames: 64,
    queue: 8,
  },
  {
    name: "the same, every packet short",
    speed: "high",
    clockPpm: -100_000,
    frameLength: 3072,
    frames: 64,
    queue: 8,
  },
  { name: "full speed, 192 B, 8 frames a transfer", speed: "full", clockPpm: 0, frameLength: 192, frames: 8, queue: 8 },
];

const workloads: readonly { readonly name: string; readonly run: Workload; readonly bound: number | undefined }[] = [
  { name: "(0) bus and device alone", run: busAlone, bound: undefined },
  { name: "(a) plain callback loop", run: plainLoop, bound: undefined },
  { name: "(b) results() -> compact()", run: resultsCompacted, bound: 1.5 },
  { name: "(c) the same -> frames()", run: frameByFrame, bound: 4 },
];

const rounds = 41;
const framesPerRound = 32_768;
const allocationRounds = 15;
const transfersPerAllocation = 24;

/** Every workload once in each round, so that whatever slows the machine slows all of them. */
function measure(geometry: Geometry) {
  const transfers = framesPerRound / geometry.frames;
  const times = workloads.map((): number[] => []);
  for (const { run } of workloads) run(geometry, transfers);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { run }] of workloads.entries()) times[i]?.push(seconds(() => run(geometry, transfers)));
  }
  const bus = times[0] ?? [];
  const plain = times[1] ?? [];
  return workloads.map((workload, i) => {
    const own = times[i] ?? [];
    const bytes: number[] = [];
    for (let round = 0; round < allocationRounds; round++) {
      // What opening and closing costs is the difference to a run of no transfers but the first.
      const short = allocated(() => workload.run(geometry, geometry.queue));
      const long = allocated(() => workload.run(geometry, geometry.queue + transfersPerAllocation));
      if (short !== undefined && long !== undefined) bytes.push((long - short) / transfersPerAllocation);
    }
    return {
      ...workload,
      rate: distribution(own.map((time) => framesPerRound / time)),
      ratio: distribution(own.map((time, round) => time / (plain[round] ?? NaN))),
      netRatio: distribution(
        own.map((time, round) => (time - (bus[round] ?? NaN)) / ((plain[round] ?? NaN) - (bus[round] ?? NaN))),
      ),
      bytes: distribution(bytes),
    };
  });
}

function spread({ median, lower, upper }: Distribution, show: (value: number) => string): string {
  return `${show(median)} (${show(lower)} to ${show(upper)})`;
}

const thousands = (value: number) => Math.round(value).toLocaleString("en");

console.log(`median (quartiles) of ${rounds} rounds; each round runs all of them on the unpaced virtual bus`);
for (const geometry of geometries) {
  console.log(`\n${geometry.name} (${thousands(geometry.frames * geometry.frameLength)} B of data)`);
  for (const { name, bound, rate, ratio, netRatio, bytes } of measure(geometry)) {
    const verdict =
      bound === undefined ? "" : ` held to ${bound}: ${ratio.median <= bound ? "holds" : "DOES NOT HOLD"}`;
    console.log(`  ${name}`);
    console.log(`    frames a second     ${spread(rate, thousands)}`);
    console.log(`    bytes a transfer    ${spread(bytes, thousands)}`);
    if (bound === undefined) continue;
    console.log(`    time against (a)    ${spread(ratio, (value) => value.toFixed(2))}${verdict}`);
    console.log(`    both less (0)       ${spread(netRatio, (value) => value.toFixed(2))}`);
  }
}

const videoBound = 1.5;
const { pictures, ratio } = measureVideo();
const verdict = ratio.median <= videoBound ? "holds" : "DOES NOT HOLD";
console.log(`\nUVC, 640 x 480 YUY2 in packets of 3072 B, the assembler beside a loop by hand over the same results`);
console.log(`    pictures a second   ${spread(pictures, thousands)}`);
console.log(`    time against it     ${spread(ratio, (value) => value.toFixed(2))} held to ${videoBound}: ${verdict}`);

const turnBound = 50;
console.log("\na capture of 500 MB in memory, opened by replay()");
for (const [speed, frames] of [
  ["high", 64],
  ["full", 8],
] as const) {
  const { time, longestTurn, cancelled } = await measureOpening(speed, frames);
  const held = longestTurn <= turnBound ? "holds" : "DOES NOT HOLD";
  console.log(`  ${speed} speed, ${frames} frames a transfer`);
  console.log(`    seconds             ${time.toFixed(2)}`);
  console.log(`    longest turn        ${longestTurn.toFixed(0)} ms held to ${turnBound}: ${held}`);
  console.log(`    an unsubscribe      ${cancelled.toFixed(1)} ms`);
}
