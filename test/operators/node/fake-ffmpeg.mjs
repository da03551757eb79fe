#!/usr/bin/env node
import { spawn } from "node:child_process";

// Stands in for ffmpeg. Its first own argument says what it does; the two before it are always there.
const [what = "", ...rest] = process.argv.slice(2).filter((each) => !/^-(hide_banner|loglevel)$|^error$/.test(each));
process.stdout.on("error", () => process.exit(1));
switch (what) {
  case "echo":
    process.stdin.pipe(process.stdout);
    break;
  case "fail":
    process.stdin
      .on("data", () => undefined)
      .on("end", () => {
        for (let i = 0; i < 2000; i++) process.stderr.write(`line ${i} of what went wrong\n`);
        process.exitCode = Number(rest[0]);
      });
    break;
  case "fail-at-once":
    process.stderr.write("Invalid data found\n", () => process.exit(1));
    break;
  case "enough":
    // Reads a little, and ends well.
    process.stdin.once("data", () => process.exit(0));
    break;
  case "count": {
    let count = 0;
    process.stdin.on("data", ({ length }) => (count += length)).on("end", () => process.stdout.write(String(count)));
    break;
  }
  case "endless": {
    const more = () => {
      while (process.stdout.write(Buffer.alloc(65536)));
      process.stdout.once("drain", more);
    };
    more();
    break;
  }
  case "produce":
    process.stdout.write(Buffer.alloc(Number(rest[0]), 7));
    break;
  case "deaf":
    // Neither reads nor ends when it is told to.
    process.on("SIGTERM", () => undefined);
    process.stdout.write("ready");
    setInterval(() => undefined, 1000);
    break;
  case "wrapper":
    // A child of it keeps its streams open.
    process.on("SIGTERM", () => undefined);
    process.stdout.write(String(spawn("sleep", ["600"], { stdio: ["ignore", "inherit", "inherit"] }).pid));
    setInterval(() => undefined, 1000);
    break;
  case "idle":
    process.stdout.write("ready");
    setInterval(() => undefined, 1000);
    break;
  default:
    throw new Error(`not known: ${what}`);
}
