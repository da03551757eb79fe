import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lastValueFrom } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import { runProgram } from "../../../../src/cli/program.js";
import { replay } from "../../../../transports/replay/index.js";
import { Scratch } from "../../../support/pack.js";
import { capturePrinted } from "../printed.js";

const printed = capturePrinted();
const scratch = new Scratch();
const at = (name: string) => join(scratch.path, name);
const cli = async (...args: string[]) => {
  const before = printed.stdout;
  const status = await runProgram(args);
  const text = printed.stdout.slice(before.length).trim();
  return { status, json: () => JSON.parse(text) as Readonly<Record<string, unknown>>, text };
};

afterAll(() => {
  scratch[Symbol.dispose]();
});

describe("a capture of all that goes over the bus", () => {
  it("is watched again, frame for frame", async () => {
    const file = at("counter.pcapng");
    const captured = await cli("capture", "-o", file, "-n", "800", "--fault", "crc@100x20", "--queue", "64", "--json");
    expect(captured.status).toBe(0);
    const { endpoints } = await lastValueFrom(replay(readFileSync(file)).summary());
    expect(endpoints).toHaveLength(1);
    const again = await cli("replay", file, "--json");
    expect(again.status).toBe(0);
    expect(again.json()).toMatchObject({
      transport: "replay",
      end: "finished",
      failed: captured.json()["failed"],
      checks: { conserved: true, counters: true },
    });
    // What was in flight when there was enough is in the capture, too.
    const { delivered, lost } = again.json() as { readonly delivered: number; readonly lost: number };
    expect(delivered).toBeGreaterThanOrEqual(800);
    expect(lost).toBeGreaterThanOrEqual(Number(captured.json()["lost"]));
  });

  it("has the pictures of a camera, for every command", async () => {
    const file = at("camera.pcapng");
    expect((await cli("capture", "-o", file, "--virtual", "camera", "-d", "0.6", "--queue", "64")).status).toBe(0);
    const watched = await cli("replay", file, "--json");
    expect(watched.json()).toMatchObject({ pictures: { format: "yuy2", width: 640, height: 480 } });
    expect((await cli("info", "--capture", file)).text).toContain("yuy2: 640 × 480 at 30, 15, 10, 5 pictures/s");
    expect((await cli("list", "--capture", file)).text).toContain("1209:0002");
    const film = at("film.avi");
    expect((await cli("capture", "--capture", file, "-o", film)).status).toBe(0);
    const bytes = readFileSync(film);
    const { pictures } = watched.json() as { pictures: { complete: number } };
    expect(bytes.readUInt32LE(48)).toBe(pictures.complete);
    // dwRate and dwScale of the stream's header: those of the camera, not those of the replay.
    expect(bytes.readUInt32LE(132) / bytes.readUInt32LE(128)).toBeCloseTo(30, 2);
  });

  it("has the sound of a microphone, at the rate that is named", async () => {
    const file = at("microphone.pcapng");
    expect((await cli("capture", "-o", file, "--virtual", "microphone", "-n", "300")).status).toBe(0);
    expect((await cli("capture", "--capture", file, "-o", at("none.wav"))).status).toBe(1);
    expect(printed.stderr).toMatch(/rx-isoch: rate-refused: /);
    const sound = at("sound.wav");
    expect((await cli("capture", "--capture", file, "-o", sound, "--sample-rate", "48000")).status).toBe(0);
    expect(readFileSync(sound).length).toBeGreaterThan(300 * 4 * 47);
  });

  it("says what is no capture, and what is not there", async () => {
    expect((await cli("replay", at("nothing"))).status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: no-such-file: /);
    expect((await cli("replay", join(import.meta.dirname, "pcapng.test.ts"))).status).toBe(1);
    expect(printed.stderr).toMatch(/rx-isoch: protocol-error: /);
  });
});
