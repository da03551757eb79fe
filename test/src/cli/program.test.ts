import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runProgram } from "../../../src/cli/program.js";
import { readRoot } from "../../support/pack.js";
import { capturePrinted } from "./printed.js";

const printed = capturePrinted();
const scratch = mkdtempSync(join(tmpdir(), "rx-isoch-"));
const file = join(scratch, "file.raw");
const written = { stdout: "", stderr: "" };
let spies: { mockRestore(): void }[] = [];

/** Commander writes by itself. */
beforeEach(() => {
  written.stdout = written.stderr = "";
  spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
});

afterEach(() => {
  for (const spy of spies) spy.mockRestore();
  vi.unstubAllEnvs();
});

afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const commands = ["list", "info", "watch", "capture", "play", "replay", "serve"];

describe("the command line", () => {
  it("tells its version", async () => {
    expect(await runProgram(["--version"])).toBe(0);
    expect(written.stdout).toBe(`${(JSON.parse(readRoot("package.json")) as { version: string }).version}\n`);
  });

  it("explains itself, its commands and its exit statuses, in 80 columns", async () => {
    expect(await runProgram(["--help"])).toBe(0);
    for (const command of commands) expect(written.stdout).toContain(`\n  ${command} `);
    for (const status of [0, 1, 2, 3, 129, 130, 143]) expect(written.stdout).toMatch(new RegExp(`^ +${status}  `, "m"));
    expect(written.stdout.split("\n").filter((line) => line.length > 80)).toStrictEqual([]);
  });

  it.each(commands)("explains %s in 80 columns", async (command) => {
    expect(await runProgram([command, "--help"])).toBe(0);
    expect(written.stdout).toContain(`Usage: rx-isoch ${command}`);
    expect(written.stdout.split("\n").filter((line) => line.length > 80)).toStrictEqual([]);
  });

  it.each([
    ["--duration soon"],
    ["--duration 0"],
    ["--speed low"],
    ["--endpoint 0x181"],
    ["--alternate 256"],
    ["--transfer 1.5"],
    ["--queue 0"],
    ["--clock-ppm 1e9"],
    ["--fault gremlin@4000"],
    ["--device webcam --speed full"],
    ["--device webcam --fault crc@4000"],
    ["--device webcam --clock-ppm 3"],
    ["--device webcam --virtual counter"],
    ["--list --device webcam"],
    ["--list --duration 3"],
    ["--what"],
    ["extra"],
    ["watch webcam --device webcam"],
    ["watch webcam --speed full"],
    ["watch webcam another"],
    ["watch --bridge host --virtual counter"],
    ["watch --bridge a/b"],
    ["watch --bridge host --token short"],
    ["watch --bridge ws://host --token short"],
    ["watch --token 0123456789abcdef"],
    ["watch --bridge http://host"],
    ["watch --virtual gremlin"],
    ["list webcam"],
    ["capture"],
    ["capture -o x --format gremlin"],
    ["capture -o x --frames 0"],
    ["capture -o x --bad-frames eat"],
    ["capture -o - --json"],
    ["capture -o x.avi --size big"],
    ["capture -o x.avi --sample-rate 48000"],
    ["capture -o x.wav --size 640x480"],
    ["capture -o x.raw --count 3"],
    ["capture -o x.avi --endpoint 0x81"],
    ["capture -o x.wav --bad-frames keep"],
    ["capture -o x.avi --bad-frames zero"],
    ["capture -o - --format png --count 2"],
    ["capture -o - --format avi"],
    ["watch --virtual camera --speed full"],
    ["watch --capture x --virtual camera"],
    ["watch --capture x --speed full"],
    ["watch --capture x --bridge y"],
    ["replay"],
    ["replay x --pace slow"],
    ["play x.wav --rate 48000 --sample-size 4"],
    ["play - --format wav"],
    ["play"],
    ["play x --rate 44100"],
    ["play x --sample-size 4"],
    ["play x --frame-length 3 --rate 44100 --sample-size 4"],
    ["play x --underrun panic"],
    ["capture -o film.mp4"],
    ["capture -o still.jpg"],
    ["play song.mp3"],
    ["serve --tcp"],
    ["serve --tcp host"],
    ["serve --tcp 0.0.0.0:0 --no-websocket"],
    ["serve --no-tcp --no-websocket"],
    ["serve --no-tcp --websocket 0.0.0.0:0"],
    ["serve --no-tcp --websocket 0 --token short"],
    ["serve webcam --virtual counter"],
    ["serve --token 0123456789abcdef --token-file x"],
  ])("refuses '%s' with status 2, and a hint", async (line) => {
    expect(await runProgram(line.split(" "))).toBe(2);
    expect(written.stdout + printed.stdout).toBe("");
    expect(written.stderr + printed.stderr).toMatch(/^error: [^]*\n--help shows the options\.\n?$/);
  });

  it.each([[["--duration", ""]], [["--device", " "]], [["watch", ""]], [["capture", "-o", ""]]])(
    "refuses %j with status 2",
    async (args) => {
      expect(await runProgram(args)).toBe(2);
    },
  );

  it("lists what is virtual, as JSON and nothing else", async () => {
    expect(await runProgram(["list", "--virtual", "counter", "--json"])).toBe(0);
    expect(JSON.parse(printed.stdout)).toMatchObject([{ vendorId: 0x1209, endpoints: { length: 4 } }]);
    expect(written.stdout).toBe("");
  });

  it("tells of the virtual device where none is named", async () => {
    expect(await runProgram(["info", "--json"])).toBe(0);
    expect(printed.json).toMatchObject({ product: "counter" });
  });

  it("captures into a file, and plays that back", async () => {
    const args = ["--speed", "full", "--json"];
    expect(await runProgram(["capture", "-o", file, "--frames", "50", ...args])).toBe(0);
    expect(printed.json).toMatchObject({ file, frames: 50, bytes: 51_150, written: 51_150 });
    vi.mocked(console.log).mockClear();
    expect(await runProgram(["play", file, ...args])).toBe(0);
    expect(printed.json).toMatchObject({ file, frames: 50, failed: 0, bytes: 51_150 });
  });

  it("does not write a capture over itself", async () => {
    const capture = join(scratch, "self.pcapng");
    writeFileSync(capture, "a capture");
    expect(await runProgram(["capture", "--capture", capture, "-o", capture, "--force"])).toBe(2);
    expect(readFileSync(capture, "utf8")).toBe("a capture");
  });

  it.skipIf(process.platform === "win32")("takes no pipe where a file is read or changed more than once", async () => {
    const pipe = join(scratch, "pipe");
    spawnSync("mkfifo", [pipe]);
    expect(await runProgram(["capture", "-o", pipe, "--format", "avi"])).toBe(2);
    expect(await runProgram(["play", pipe, "--format", "wav"])).toBe(2);
    expect(await runProgram(["replay", pipe])).toBe(2);
  });

  it("says that a directory is no capture, with status 3", async () => {
    expect(await runProgram(["replay", scratch])).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: not-a-file: /);
  });

  it("captures from an IN endpoint only, and plays to an OUT endpoint only", async () => {
    expect(await runProgram(["capture", "-e", "0x01", "-o", join(scratch, "none")])).toBe(1);
    writeFileSync(join(scratch, "some"), "some");
    expect(await runProgram(["play", join(scratch, "some"), "-e", "0x81"])).toBe(1);
    expect(printed.stderr.match(/^rx-isoch: wrong-direction: /gm)).toHaveLength(2);
    expect(existsSync(join(scratch, "none"))).toBe(false);
  });

  it("takes faults for whichever endpoint it is", async () => {
    const args = ["-o", join(scratch, "faulty"), "-n", "50", "--fault", "crc@0x1000000", "--json"];
    expect(await runProgram(["capture", ...args])).toBe(0);
    expect(printed.json).toMatchObject({ frames: 50, failed: 50, written: 0 });
  });

  it("says where the token file is missing, with status 3", async () => {
    expect(await runProgram(["serve", "--token-file", join(scratch, "missing")])).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: no-such-file: /);
  });

  it("takes the token from the environment, and from a file before that", async () => {
    const refused = ["serve", "--no-tcp", "--websocket", "0"];
    vi.stubEnv("RX_ISOCH_TOKEN", "short");
    expect(await runProgram(refused)).toBe(2);
    expect(printed.stderr).toMatch(/^error: RX_ISOCH_TOKEN: a token has /);
    writeFileSync(join(scratch, "token"), "also short\nnot this");
    expect(await runProgram([...refused, "--token-file", join(scratch, "token")])).toBe(2);
    expect(printed.stderr).toContain(`${join(scratch, "token")}: a token has `);
  });
});
