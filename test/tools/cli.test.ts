import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { catchError, EMPTY, lastValueFrom, toArray } from "rxjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isochPipe } from "rx-isoch";
import { replay } from "rx-isoch/transports/replay";
import { readCounter } from "rx-isoch/transports/virtual";
import { root } from "../support/entries.js";
import { prepareProgram } from "../support/apt.js";

const directory = mkdtempSync(join(tmpdir(), "rx-isoch-cli-"));
/** Inside the repository, so that the bundle finds its packages. */
const program = join(root, ".cache/test-tools/main.mjs");
const at = (name: string) => join(directory, name);
let ffprobe: string;
let sox: string;
let tshark: string;

beforeAll(async () => {
  ffprobe = prepareProgram({ names: ["ffprobe"], debian: "ffmpeg", variable: "FFPROBE" });
  sox = prepareProgram({ names: ["sox"], debian: "sox", variable: "SOX" });
  tshark = prepareProgram({ names: ["tshark"], debian: "tshark", variable: "TSHARK" });
  await build({
    entryPoints: [join(root, "src/cli/main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile: program,
    logLevel: "silent",
  });
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Runs `rx-isoch`, and gives what it says with `--json`. */
function cli(...args: string[]): Readonly<Record<string, unknown>> {
  return JSON.parse(run(process.execPath, program, ...args, "--json")) as Readonly<Record<string, unknown>>;
}

interface Stream {
  readonly codec_name: string;
  readonly width: number;
  readonly height: number;
  readonly r_frame_rate: string;
  readonly nb_frames?: string;
  readonly nb_read_frames: string;
}

/** What ffprobe makes of the one stream of a file, its pictures decoded and counted. */
function probe(file: string, ...args: string[]): Stream {
  const output = run(ffprobe, "-v", "error", ...args, "-count_frames", "-show_streams", "-of", "json", file);
  const [stream] = (JSON.parse(output) as { streams: Stream[] }).streams;
  if (stream === undefined) throw new Error("there is no stream");
  return stream;
}

const rateOf = ({ r_frame_rate: rate }: Stream) => {
  const [frames, seconds] = rate.split("/").map(Number);
  return (frames ?? NaN) / (seconds ?? NaN);
};

describe("what rx-isoch capture writes", () => {
  it.each([
    ["640x480", "30"],
    ["320x240", "15"],
  ])("of a camera is a film for ffprobe: %s at %s", (size, rate) => {
    const file = at(`${size}.avi`);
    expect(cli("capture", "-o", file, "--count", "20", "--size", size, "--rate", rate)).toMatchObject({ failed: 0 });
    const stream = probe(file);
    expect(stream).toMatchObject({ codec_name: "mjpeg", nb_frames: "20", nb_read_frames: "20" });
    expect(`${stream.width}x${stream.height}`).toBe(size);
    // A machine that is late loses pictures, and then it is less.
    expect(rateOf(stream)).toBeGreaterThan(0);
    expect(rateOf(stream)).toBeLessThan(Number(rate) * 1.02);
  });

  it("of a camera is an elementary stream of MJPEG for ffprobe", () => {
    const file = at("stream.mjpeg");
    cli("capture", "-o", file, "--count", "10");
    expect(probe(file, "-f", "mjpeg")).toMatchObject({ width: 640, height: 480, nb_read_frames: "10" });
  });

  it("of a camera is a picture for ffprobe", () => {
    const file = at("still.png");
    cli("capture", "-o", file);
    expect(probe(file)).toMatchObject({ codec_name: "png", width: 640, height: 480 });
  });

  it("of a microphone is a sound for sox, and the tone that it hears", () => {
    const file = at("sound.wav");
    const { frames } = cli("capture", "-o", file, "--frames", "1000", "--sample-rate", "44100", "--bad-frames", "zero");
    expect(frames).toBe(1000);
    const ask = (what: string) => Number(run(sox, "--info", what, file));
    expect([ask("-r"), ask("-c"), ask("-b")]).toStrictEqual([44_100, 2, 16]);
    expect(ask("-s")).toBeGreaterThanOrEqual(44_000);
    const left = spawnSync(sox, [file, "-n", "remix", "1", "stat"], { encoding: "utf8" }).stderr;
    expect(Number(/^Maximum amplitude: +([\d.]+)$/m.exec(left)?.[1])).toBeCloseTo(0.5, 2);
  });
});

describe("what rx-isoch captures of the bus", () => {
  it("opens in tshark, without a malformed packet, and is replayed as it was", async () => {
    const file = at("counter.pcapng");
    const captured = cli("capture", "-o", file, "-n", "2000", "--fault", "crc@300x5");
    const bad = "_ws.malformed || _ws.short || _ws.expert.severity >= 0x600000";
    expect(run(tshark, "-r", file, "-Y", bad)).toBe("");
    const again = cli("replay", file);
    expect(again).toMatchObject({ end: "finished", checks: { conserved: true, counters: true } });
    expect([again["lost"], again["failed"]]).toStrictEqual([captured["lost"], captured["failed"]]);

    const transport = replay(readFileSync(file), { pace: "fast" });
    const results = isochPipe(transport, { endpoint: 0x81 })
      .results()
      .pipe(
        catchError(() => EMPTY),
        toArray(),
      );
    const frames = (await lastValueFrom(results)).flatMap((each) => [...each]);
    const bytes = frames.slice(0, 2000).reduce((sum, { actual }) => sum + actual, 0);
    expect(bytes).toBe(captured["bytes"]);
    const counters = frames.filter(({ status }) => status === "ok").map(({ data }) => readCounter(data) ?? NaN);
    expect(counters.every((each, i) => i === 0 || each > (counters[i - 1] ?? NaN))).toBe(true);
  });

  it("has a camera's pictures, and the same film comes of it as often as it is asked for", () => {
    const file = at("camera.pcapng");
    cli("capture", "-o", file, "--virtual", "camera", "--duration", "1");
    expect(run(tshark, "-r", file, "-Y", "_ws.malformed || _ws.short")).toBe("");
    const { pictures } = cli("replay", file) as { readonly pictures: { readonly complete: number } };
    for (const name of ["one.avi", "two.avi"]) cli("capture", "--capture", file, "-o", name);
    expect(readFileSync(at("one.avi")).equals(readFileSync(at("two.avi")))).toBe(true);
    const stream = probe(at("one.avi"));
    expect(stream).toMatchObject({ codec_name: "rawvideo", width: 640, height: 480 });
    expect(Number(stream.nb_read_frames)).toBe(pictures.complete);
    expect(rateOf(stream)).toBe(30);
  });
});
