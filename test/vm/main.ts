import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildStream } from "./bench/build.js";
import { root } from "../support/entries.js";
import { bundleForGuest, bundleOf } from "./bundle.js";
import { startDeviceServer } from "./device-server.js";
import { captureFile, devices } from "./devices.js";
import { initramfs } from "./initramfs.js";
import { findLink } from "./link.js";
import { lockLab, LockedError } from "./lock.js";
import { quote, runGuest, type Outcome, type Session } from "./qemu.js";
import { MissingError, prepare } from "./requirements.js";
import { measureSpeed } from "./speed.js";

const [command, ...args] = process.argv.slice(2);
const exitStatus = { failed: 1, usage: 2, missing: 77 } as const;

const cache = join(root, ".cache/vm");
const share = join(cache, "run");

async function test(): Promise<number> {
  const start = performance.now();
  const { base } = prepareSession();
  await bundleForGuest();
  const preparing = (performance.now() - start) / 1000;
  const vitest = [
    "node_modules/.bin/vitest",
    "run",
    "--config",
    bundleOf("test/vm/vitest.config.ts"),
    "--configLoader",
    "native",
  ];
  const reporters = ["--reporter=default", "--reporter=json", "--outputFile.json=/run/vm/report.json"];
  const outcome = await runWithDevices({
    ...base,
    job: [`cd ${quote(root)} &&`, ...[...vitest, ...reporters, ...args.map(bundleOf)].map(quote)].join(" "),
    env: { ...base.env, VM_HOST_SPEED: String(measureSpeed()) },
    interactive: false,
    timeout: Number(process.env["VM_TIMEOUT"] ?? 1800),
  });
  const { status, failure, total, job } = outcome;
  if (status === undefined) {
    console.error(`vm: ${failure}`);
    return exitStatus.failed;
  }
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  console.log(
    `vm: preparing ${seconds(preparing)}, boot and shutdown ${seconds(total - job)}, tests ${seconds(job)}; ` +
      `report in ${join(share, "report.json")}`,
  );
  const lost = Object.values(devices)
    .map((device) => join(share, captureFile(device)))
    .filter((path) => !existsSync(path) || statSync(path).size === 0);
  if (lost.length > 0) {
    console.error(`vm: no capture in ${lost.join(", ")}`);
    return exitStatus.failed;
  }
  return status;
}

async function shell(): Promise<number> {
  const { base } = prepareSession();
  const { isTTY, columns, rows } = process.stdout;
  const size = isTTY ? `stty sane columns ${columns} rows ${rows};` : "";
  console.log("vm: `exit` powers off, Ctrl-A X kills");
  const { status, failure } = await runWithDevices({
    ...base,
    job: `${size} cd ${quote(root)} && ${args.length > 0 ? args.join(" ") : "bash -i"}`,
    env: { ...base.env, TERM: process.env["TERM"] },
    interactive: true,
    timeout: 24 * 3600,
  });
  if (status === undefined) console.error(`vm: ${failure}`);
  return status ?? exitStatus.failed;
}

/** Runs the guest with a device server beside it, whose port the guest is told. */
async function runWithDevices(session: Omit<Session, "link">): Promise<Outcome> {
  const link = process.env["VM_LINK"] === "no" ? undefined : findLink();
  const devices = await startDeviceServer(link?.host);
  try {
    return await runGuest({ ...session, link, env: { ...session.env, VM_DEVICE_PORT: String(devices.port) } });
  } finally {
    await devices.close();
  }
}

function prepareSession(): { base: Omit<Session, "job" | "interactive" | "timeout" | "link"> } {
  const kernel = prepare(cache);
  const base = {
    kernel,
    initramfs: initramfs(cache, kernel, join(root, "test/vm/init.sh")),
    share,
    script: join(root, "test/vm/session.sh"),
    env: {
      // Whatever ran this is the node to test with.
      PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
      HOME: process.env["HOME"],
      LANG: "C.UTF-8",
      CI: process.env["CI"],
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(LIFE|VM_STREAM|VM_MEDIA)_/.test(name))),
      [process.stdout.isTTY ? "FORCE_COLOR" : "NO_COLOR"]: "1",
    },
  };
  return { base };
}

/** Measures in the guest; it prints by itself. */
async function bench(): Promise<number> {
  const { base } = prepareSession();
  buildStream(root, join(cache, "stream"));
  const outcome = await runWithDevices({
    ...base,
    job: `cd ${quote(root)} && node .cache/vm-bench/main.js`,
    env: {
      ...base.env,
      VM_STREAM: join(cache, "stream"),
      BENCH_WARM_UP: process.env["BENCH_WARM_UP"] ?? "15",
      BENCH_SECONDS: process.env["BENCH_SECONDS"] ?? "15",
      BENCH_ROUNDS: process.env["BENCH_ROUNDS"] ?? "3",
    },
    interactive: false,
    timeout: Number(process.env["VM_TIMEOUT"] ?? 1800),
  });
  if (outcome.status === undefined) console.error(`vm: ${outcome.failure}`);
  return outcome.status ?? exitStatus.failed;
}

const commands = new Map([
  ["test", test],
  ["bench", bench],
  ["shell", shell],
]);

try {
  const run = commands.get(command ?? "");
  if (run === undefined) {
    console.error("usage: main test [vitest's arguments] | main bench | main shell [command]");
    process.exitCode = exitStatus.usage;
  } else {
    mkdirSync(cache, { recursive: true });
    lockLab(cache);
    process.exitCode = await run();
  }
} catch (error) {
  if (error instanceof LockedError) {
    console.error(`vm: ${error.message}`);
    process.exitCode = exitStatus.failed;
  } else if (error instanceof MissingError) {
    console.error(`vm: missing: ${error.message}`);
    // What a developer may do without, CI may not.
    process.exitCode = process.env["CI"] ? exitStatus.failed : exitStatus.missing;
  } else throw error;
}
