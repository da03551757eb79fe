import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Summary } from "../../../src/cli/watch/summary.js";
import { root } from "../../support/entries.js";
import { Scratch } from "../../support/pack.js";

/** Inside the repository, so that the bundle finds its packages. */
const program = join(root, ".cache/test-cli/main.mjs");

/** Preloaded, it has the program run as where optional packages were left out. */
const withoutAddon = join(root, ".cache/test-cli/without-addon.cjs");
const withoutAddonSource = `
const Module = require("node:module");
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => {
  if (!name.startsWith("node-gyp-build")) return resolve(name, ...rest);
  throw Object.assign(new Error("Cannot find module " + name), { code: "MODULE_NOT_FOUND" });
};`;

const scratch = new Scratch();

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Circumstances {
  /** At which output it gets the signal. */
  readonly interrupt?: RegExp;
  /** Default: SIGINT, a Ctrl-C. */
  readonly signal?: "SIGINT" | "SIGTERM";
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Runs the program. */
function cli(args: readonly string[], { interrupt, signal = "SIGINT", env, cwd = scratch.path }: Circumstances = {}) {
  return new Promise<Outcome>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      // A camera leaves files where it was watched.
      cwd,
      env: { ...process.env, ...env },
      timeout: 90_000,
    });
    let stdout = "";
    let stderr = "";
    let isInterrupted = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (isInterrupted || interrupt?.test(stdout) !== true) return;
      isInterrupted = true;
      child.kill(signal);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

beforeAll(async () => {
  await build({
    entryPoints: [join(root, "src/cli/main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile: program,
    logLevel: "silent",
  });
  writeFileSync(withoutAddon, withoutAddonSource);
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

describe("the program", () => {
  it("prints the summary and nothing else with --json", async () => {
    const { status, stdout, stderr } = await cli([
      "--duration",
      "1",
      "--json",
      "--fault",
      "crc@3000x3",
      "--queue",
      "64",
    ]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const summary = JSON.parse(stdout) as Summary;
    expect(summary).toMatchObject({
      end: "finished",
      failed: 3,
      statuses: { crc: 3 },
      checks: { conserved: true, counters: true },
    });
    expect(summary.delivered).toBeGreaterThan(4000);
    expect(summary.busFrames).toBe(summary.delivered + summary.lost);
  });

  it("writes plain lines into a pipe, without colour", async () => {
    const { status, stdout } = await cli(["--duration", "1.2", "--speed", "full"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^counter 1209:0001 on the virtual bus, full speed\nIN 0x81: /);
    expect(stdout.match(/^ +\d\.\d s .* frames\/s /gm)).toHaveLength(1);
    expect(stdout).toContain("Finished after 1.");
    expect(stdout).not.toContain("\u001b");
  });

  it("watches the virtual camera where nothing is asked for, and leaves a picture and a clip", async () => {
    const { status, stdout, stderr } = await cli(["--duration", "1", "--queue", "64"]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^camera 1209:0002 on the virtual bus, high speed\n/);
    expect(stdout).toMatch(/pictures {3}\d+ pictures of yuy2, 320 × 240/);
    expect(stdout).toContain("files      rx-isoch-camera.png, rx-isoch-camera.avi");
    expect(readdirSync(scratch.path).sort()).toStrictEqual(["rx-isoch-camera.avi", "rx-isoch-camera.png"]);
    expect(status).toBe(0);
  });

  it("leaves no files where none are wanted, and prints JSON alone", async () => {
    const directory = mkdtempSync(join(scratch.path, "empty-"));
    const { status, stdout } = await cli(["--duration", "0.3", "--json", "--no-files"], { cwd: directory });
    expect(JSON.parse(stdout)).toMatchObject({ device: "camera 1209:0002", pictures: { width: 320 } });
    expect(readdirSync(directory)).toStrictEqual([]);
    expect(status).toBe(0);
  });

  it("honours NO_COLOR before FORCE_COLOR", async () => {
    const args = ["--duration", "0.1", "--speed", "full"];
    const coloured = await cli(args, { env: { FORCE_COLOR: "1", NO_COLOR: "" } });
    const plain = await cli(args, { env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    expect(coloured.stdout).toContain("\u001b[");
    expect(plain.stdout).not.toContain("\u001b");
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends with the summary at a %s, with status %d", async (signal, expected) => {
    const { status, stdout, stderr } = await cli(["--duration", "60"], { interrupt: /in flight\n/, signal });
    expect(stderr).toBe("");
    expect(stdout).toContain("Interrupted after");
    expect(stdout).toMatch(/✔ [\d,]+ delivered \+ [\d,]+ lost = [\d,]+ on the bus/);
    expect(status).toBe(expected);
  });

  it.skipIf(process.platform === "win32")(
    "ends with the summary when npm's shell is terminated around it",
    async () => {
      const shell = spawn("sh", ["-c", '"$0" "$1" --duration 60; true', process.execPath, program], {
        stdio: ["ignore", "pipe", "inherit"],
        cwd: scratch.path,
        env: { ...process.env, npm_lifecycle_event: "start" },
        timeout: 90_000,
      });
      let stdout = "";
      shell.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        if (text.includes("in flight")) shell.kill("SIGTERM");
      });
      // When the program, too, has closed its end.
      await once(shell, "close");
      expect(stdout).toContain("Interrupted after");
    },
  );

  it("ends with the summary, what to do, and status 1 when the device is unplugged", async () => {
    const { status, stdout, stderr } = await cli(["--fault", "unplug@2000"]);
    // How long that took is a matter of the machine; the frame is asserted in watch.test.ts.
    expect(stdout).toMatch(/Failed after \d+\.\d\d s: device-gone/);
    expect(stderr).toMatch(/^rx-isoch: device-gone: .*unplugged.*\n$/);
    expect(status).toBe(1);
  });

  it("says in one line what to do about an endpoint that is none", async () => {
    const { status, stdout, stderr } = await cli(["--endpoint", "0x82"]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^rx-isoch: no-such-endpoint: .*0x81.*\n$/);
    expect(status).toBe(1);
  });

  it("streams in the alternate setting that is asked for", async () => {
    const { status, stdout } = await cli(["--duration", "0.2", "--json", "--alternate", "3"]);
    expect(JSON.parse(stdout)).toMatchObject({ alternate: 3, frameLength: 1024, checks: { counters: true } });
    expect(status).toBe(0);
  });

  it.each([[["--list"]], [["--list", "--json"]], [["--device", "1209:0001"]], [["--device", "webcam", "--json"]]])(
    "says in one line how to get the addon: %j",
    async (args) => {
      const { status, stdout, stderr } = await cli(args, { env: { NODE_OPTIONS: `--require ${withoutAddon}` } });
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^rx-isoch: no-addon: .*build\.mjs.*\n$/);
      expect(status).toBe(1);
    },
  );

  it("refuses what cannot mean anything with status 2", async () => {
    const { status, stdout, stderr } = await cli(["--duration", "soon"]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: .*\n--help shows the options\.\n$/);
    expect(status).toBe(2);
  });

  it("keeps what it had captured at a Ctrl-C, and says so on stderr where the bytes are the output", async () => {
    const args = ["capture", "--output", "-", "--speed", "full"];
    const { status, stdout, stderr } = await cli(args, { interrupt: /[^]/ });
    expect(stderr).toMatch(/^standard output: .* frames, \d+ lost.*\n$/);
    expect(stdout.length).toBeGreaterThan(0);
    expect(status).toBe(130);
  });

  it.skipIf(process.platform === "win32").each([
    ["capture --output - --speed full", "head -c 100"],
    ["watch --duration 60", "head -n 1"],
    ["list --virtual counter", "true"],
  ])("ends quietly when nobody reads any more: %s | %s", async (args, reader) => {
    const line = `{ "$0" "$1" ${args}; echo "status $?" >&2; } | ${reader}`;
    const shell = spawn("bash", ["-c", line, process.execPath, program], {
      cwd: scratch.path,
      timeout: 90_000,
    });
    let stderr = "";
    shell.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    shell.stdout.resume();
    await once(shell, "close");
    expect(stderr).toBe("status 0\n");
  });

  it.runIf(process.platform === "linux").each(["list --virtual counter", "watch --duration 0.2 --json", "--help"])(
    "says that its output cannot be written, with status 3: %s",
    async (args) => {
      const shell = spawn("bash", ["-c", `"$0" "$1" ${args} >/dev/full`, process.execPath, program], {
        cwd: scratch.path,
        timeout: 90_000,
      });
      let stderr = "";
      shell.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      const [status] = (await once(shell, "close")) as unknown[];
      expect(stderr).toMatch(/^rx-isoch: no-space: standard output: .*\n$/);
      expect(status).toBe(3);
    },
  );

  it.runIf(process.platform === "linux").each([
    ["play", ["play"], 130],
    ["capture", ["capture", "-o"], 130],
  ])("can be ended while nobody is at the other end of a named pipe: %s", async (name, args, expected) => {
    const pipe = join(scratch.path, `pipe-${name}`);
    spawnSync("mkfifo", [pipe]);
    const child = spawn(process.execPath, [program, ...args, pipe], { stdio: "ignore", timeout: 90_000 });
    // When it listens: Linux says which signals a program catches, and SIGHUP is none that Node does by itself.
    await vi.waitFor(() => {
      const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${String(child.pid)}/status`, "utf8"))?.[1];
      expect(BigInt(`0x${caught ?? "0"}`) & 1n).toBe(1n);
    }, 60_000);
    child.kill("SIGINT");
    const [status] = (await once(child, "close")) as unknown[];
    expect(status).toBe(expected);
  });

  it("plays what comes on the standard input, and is not held up by one that says nothing", async () => {
    const play = (interrupt: boolean) => {
      const child = spawn(process.execPath, [program, "play", "-", "--json"], { timeout: 90_000 });
      let stdout = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      if (interrupt) {
        // More than fits between the two: it runs once that is written.
        child.stdin.write(new Uint8Array(3_000_000), () => {
          child.kill("SIGINT");
        });
      } else child.stdin.end(new Uint8Array(200_000));
      return once(child, "close").then(([status]: unknown[]) => ({ status, stdout }));
    };
    const [whole, held] = await Promise.all([play(false), play(true)]);
    expect(whole.status).toBe(0);
    expect(JSON.parse(whole.stdout)).toMatchObject({ file: "standard input", bytes: 200_000, end: "finished" });
    expect(held.status).toBe(130);
    expect(JSON.parse(held.stdout)).toMatchObject({ end: "interrupted" });
  });

  it("explains itself", async () => {
    const { status, stdout } = await cli(["--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("capture");
  });
});
