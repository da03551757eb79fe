import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { testCard, tone } from "rx-isoch/transports/virtual";
import { afterAll, expect, it } from "vitest";
import { toRgb } from "../../operators/node/rgb.js";
import { root } from "../support/entries.js";
import { Scratch } from "../support/pack.js";
import { onPath } from "../support/programs.js";
import { runExample } from "./bundle.js";
import { aviPictures, luminanceNumber, wavSamples } from "./files.js";

const scratch = new Scratch();

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** Runs an example to its end, in an empty directory. Returns what it printed. */
async function run(name: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await runExample(scratch.path, name, args);
  expect(stderr).toBe("");
  return stdout;
}

function read(file: string): Buffer {
  return readFileSync(join(scratch.path, file));
}

/** What there is to see of each example when it has run. */
const results: Readonly<Record<string, () => Promise<void>>> = {
  "instrument-to-csv": async () => {
    expect(await run("instrument-to-csv", "table.csv")).toBe("table.csv: 2884 frames good, 12 bad, 1104 lost\n");
    const [head, ...lines] = readFileSync(join(scratch.path, "table.csv"), "utf8").trimEnd().split("\n");
    expect(head).toBe("frame,status,counter");
    const rows = lines.map((line) => line.split(","));
    const first = Number(rows[0]?.[0]);
    expect(rows.map(([frame]) => Number(frame))).toStrictEqual(Array.from({ length: 4000 }, (_, i) => first + i));
    // The counter of the device goes on while nobody listens.
    const start = Number(rows[0]?.[2]) - first;
    for (const [frame, status, counter] of rows) {
      expect(counter).toBe(status === "ok" ? String(start + Number(frame)) : "");
    }
    const count = (wanted: string) => rows.filter(([, status]) => status === wanted).length;
    expect([count("crc"), count("lost")]).toStrictEqual([12, 1104]);
  },
  "loss-report": async () => {
    expect(await run("loss-report")).toMatch(/^ok {4}6868\ncrc {3}12\nlost {2}1120\n$/);
  },
  "marble-test": async () => {
    expect(await run("marble-test")).toBe("the bus did what the diagram says\n");
  },
  "microphone-to-wav": async () => {
    const [, frames] = /^microphone\.wav: (\d+) samples, 1\.0\d\d s, 0 of them lost\n$/.exec(
      await run("microphone-to-wav"),
    ) ?? ["", "0"];
    expect(Number(frames)).toBeGreaterThanOrEqual(48_000);
    const { samples, ...format } = wavSamples(read("microphone.wav"));
    expect(format).toStrictEqual({ coding: 1, channels: 2, sampleRate: 48_000, bits: 16 });
    expect(samples).toStrictEqual(tone(0, Number(frames)));
  },
  "paced-output": async () => {
    expect(await run("paced-output")).toMatch(
      /^sent (\d+) packets\nthe device took \1, 0 of them out of order\nclosed\n$/,
    );
  },
  "remote-device": async () => {
    const printed = await run("remote-device");
    const png = read("remote.png");
    expect(printed).toMatch(/^remote\.png: \d+ bytes, \d+ frames of the bus lost\nclosed\n$/);
    expect(printed).toContain(` ${png.length} bytes`);
    const { width, height, data } = decode(png);
    expect([width, height]).toStrictEqual([320, 240]);
    // The first, but on a machine that is held up.
    const number = luminanceNumber(width, height, data);
    const sent = toRgb({ format: "yuy2", width, height, data: testCard("yuy2", width, height, number) });
    expect(Buffer.from(data).equals(sent)).toBe(true);
  },
  "wav-to-speaker": async () => {
    const printed = await run("wav-to-speaker");
    const [, silence] =
      /^tone\.wav: 48000 samples played, (\d+) of silence between, \d+ frames without a packet\n$/.exec(printed) ?? [];
    expect(wavSamples(read("tone.wav")).samples).toStrictEqual(tone(0, 48_000));
    const heard = wavSamples(read("heard.wav")).samples;
    expect(heard.length).toBe(2 * (48_000 + Number(silence)));
    // A machine that is held up for half a second has silence in it, and the tone is all there even so.
    const sounding = (samples: Int16Array) => samples.filter((sample) => sample !== 0);
    expect(sounding(heard)).toStrictEqual(sounding(tone(0, 48_000)));
  },
  "webcam-to-ffmpeg": async () => {
    // What is in it, ffprobe says: test/tools/examples.test.ts.
    expect(await run("webcam-to-ffmpeg")).toBe("webcam.mp4: 60 pictures, 0 dropped\n");
    expect(read("webcam.mp4").toString("latin1", 4, 8)).toBe("ftyp");
  },
  "webcam-to-file": async () => {
    const [still, clip] = (await run("webcam-to-file")).trimEnd().split("\n");
    const png = read("webcam.png");
    expect(still).toBe(`webcam.png: ${png.length} bytes`);
    const { width, height, data } = decode(png);
    expect([width, height, luminanceNumber(width, height, data)]).toStrictEqual([640, 480, 0]);
    expect(clip).toBe("webcam.avi: 60 pictures, 30.0 a second, 0 dropped");
    const pictures = aviPictures(read("webcam.avi"));
    expect(pictures.length).toBe(60);
    for (const [i, picture] of pictures.entries()) expect(picture.equals(testCard("mjpeg", 640, 480, i))).toBe(true);
  },
};

/** How each example that has a way to fail is made to, with what it then says on its standard error. */
const failures: Readonly<Record<string, { readonly args: readonly string[]; readonly says: RegExp }>> = {
  "instrument-to-csv": { args: ["missing/table.csv"], says: /ENOENT/ },
  "loss-report": { args: ["ffff:ffff"], says: /code: '(no-such-device|no-addon|transport-failed)'/ },
  "microphone-to-wav": { args: ["ffff:ffff"], says: /code: '(no-such-device|no-addon|transport-failed)'/ },
  "remote-device": { args: ["127.0.0.1:1"], says: /code: 'transport-failed'/ },
  "wav-to-speaker": { args: ["missing.wav"], says: /ENOENT/ },
  "webcam-to-ffmpeg": { args: [], says: /code: 'process-failed'/ },
  "webcam-to-file": { args: ["ffff:ffff"], says: /code: '(no-such-device|no-addon|transport-failed)'/ },
};

/** Programs of others that an example runs. */
const needs: Readonly<Record<string, readonly string[]>> = { "webcam-to-ffmpeg": ["ffmpeg"] };

const examples = readdirSync(join(root, "examples"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replace(/\.ts$/, ""));

it("there is a result to check for every example, and no other", () => {
  expect(Object.keys(results).sort()).toStrictEqual(examples.sort());
});

for (const [name, check] of Object.entries(results)) {
  const missing = (needs[name] ?? []).filter((program) => !onPath(program));
  const lack = missing.length > 0 ? ` (needs ${missing.join()}; npm run test:tools installs it)` : "";
  it.skipIf(lack !== "")(name + lack, check);
}

it.each(Object.entries(failures))("%s says why it failed, and with its exit status that it did", async (name, how) => {
  const { args, says } = how;
  // There is no ffmpeg on an empty PATH.
  const failed = runExample(scratch.path, name, args, { ...process.env, PATH: "" });
  const error: unknown = await failed.then(() => undefined).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 1, stderr: expect.stringMatching(says) as unknown });
});
