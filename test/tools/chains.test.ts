import { spawnSync } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concatMap, from, lastValueFrom, map, Subject, toArray } from "rxjs";
import {
  fromFfmpeg,
  jpegFile,
  pcmInput,
  pictureInput,
  toAvi,
  toFfmpeg,
  toPng,
  toWav,
  writeTo,
  type PcmFormat,
  type TimedPicture,
} from "rx-isoch/operators/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareProgram } from "../support/apt.js";

const ffmpeg = prepareProgram({ names: ["ffmpeg"], debian: "ffmpeg", variable: "FFMPEG" });
const ffprobe = prepareProgram({ names: ["ffprobe"], debian: "ffmpeg", variable: "FFPROBE" });
const sox = prepareProgram({ names: ["sox"], debian: "sox", variable: "SOX" });

const directory = mkdtempSync(join(tmpdir(), "rx-isoch-tools-"));
const at = (name: string) => join(directory, name);
const size = { width: 64, height: 48 };
const count = 20;

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function run(program: string, ...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args, { maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.toString()}`);
  // They say so where something in a file is not as it should be.
  expect(stderr.toString()).toBe("");
  return stdout;
}

/** What ffprobe makes of the one stream of a file, its pictures decoded and counted. */
function probe(file: string, ...args: string[]) {
  const output = run(ffprobe, "-v", "error", ...args, "-count_frames", "-show_streams", "-of", "json", file);
  const { streams } = JSON.parse(output.toString()) as { streams: Record<string, unknown>[] };
  expect(streams.length).toBe(1);
  return streams[0];
}

/** Pictures of ffmpeg's own test source, in one of the formats of a camera. */
function testPictures(format: string): TimedPicture[] {
  const source = ["-f", "lavfi", "-i", `testsrc=size=${size.width}x${size.height}:rate=25`, "-frames:v", String(count)];
  const pixels = { yuy2: "yuyv422", nv12: "nv12" }[format];
  const output = pixels
    ? ["-pix_fmt", pixels, "-f", "rawvideo", "pipe:1"]
    : ["-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-f", "image2pipe", "pipe:1"];
  const bytes = run(ffmpeg, "-v", "error", ...source, ...output);
  const pieces = pixels ? cutEvenly(bytes, bytes.length / count) : cutJpegs(bytes);
  expect(pieces.length).toBe(count);
  return pieces.map((data, i) => ({ format, ...size, data, timestamp: i * 40_000 }));
}

function cutEvenly(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: bytes.length / length }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}

/** A JPEG ends at FF D9, which its coded data never has. */
function cutJpegs(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from_ = 0, end; from_ < bytes.length; from_ = end) {
    end = bytes.indexOf(Buffer.of(0xff, 0xd9), from_) + 2;
    pieces.push(bytes.subarray(from_, end));
  }
  return pieces;
}

describe.each(["mjpeg", "yuy2", "nv12"])("pictures of %s", (format) => {
  let pictures: TimedPicture[];

  beforeAll(() => {
    pictures = testPictures(format);
  });

  const codec = format === "mjpeg" ? "mjpeg" : "rawvideo";

  it("ffprobe reads the AVI: size, rate and number of pictures; ffmpeg the very bytes", async () => {
    const file = at(`${format}.avi`);
    await lastValueFrom(from(pictures).pipe(toAvi(file)));
    expect(probe(file)).toMatchObject({
      codec_name: codec,
      ...size,
      r_frame_rate: "25/1",
      nb_frames: String(count),
      nb_read_frames: String(count),
    });
    const copied = run(ffmpeg, "-v", "error", "-i", file, "-c", "copy", "-f", "image2pipe", "pipe:1");
    expect(copied.equals(Buffer.concat(pictures.map(({ data }) => data)))).toBe(true);
    // By the index.
    run(ffmpeg, "-v", "error", "-ss", "0.5", "-i", file, "-frames:v", "1", "-f", "null", "-");
  });

  it("ffmpeg takes them from its standard input", async () => {
    const file = at(`${format}.mkv`);
    const args = [...pictureInput({ format, ...size, framesPerSecond: 25 }), "-c", "copy", "-y", file];
    const data = from(pictures).pipe(map((picture) => picture.data));
    const emitted = await lastValueFrom(data.pipe(toFfmpeg({ command: ffmpeg, args }), toArray()));
    expect(emitted).toStrictEqual([]);
    expect(probe(file)).toMatchObject({ codec_name: codec, ...size, nb_read_frames: String(count) });
  });
});

it("the tables of a JPEG that has none are those that ffmpeg writes", () => {
  const source = ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25", "-frames:v", "1"];
  const jpeg = ["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj422p", "-f", "image2pipe", "pipe:1"];
  const whole = run(ffmpeg, ...source, ...jpeg);
  const from_ = whole.indexOf(Buffer.of(0xff, 0xc4));
  const to = from_ + 2 + whole.readUInt16BE(from_ + 2);
  const bare = Buffer.concat([whole.subarray(0, from_), whole.subarray(to)]);
  const scan = bare.indexOf(Buffer.of(0xff, 0xda));
  const expected = [bare.subarray(0, scan), whole.subarray(from_, to), bare.subarray(scan)];
  expect(Buffer.from(jpegFile(bare)).equals(Buffer.concat(expected))).toBe(true);
});

it("ffprobe reads an elementary stream of MJPEG", async () => {
  const file = at("clip.mjpeg");
  const data = from(testPictures("mjpeg")).pipe(map((picture) => picture.data));
  await lastValueFrom(data.pipe(writeTo(createWriteStream(file))), { defaultValue: undefined });
  expect(probe(file, "-f", "mjpeg")).toMatchObject({ ...size, nb_read_frames: String(count) });
});

it("a PNG has the colours that ffmpeg makes of the same picture", async () => {
  const [picture] = testPictures("yuy2");
  if (picture === undefined) throw new Error("no picture");
  const png = await lastValueFrom(from([picture]).pipe(toPng()));
  const rgb = (input: readonly string[], bytes: Uint8Array) =>
    lastValueFrom(
      from([bytes]).pipe(
        toFfmpeg({
          command: ffmpeg,
          args: [
            ...input,
            "-sws_flags",
            "accurate_rnd+full_chroma_int+neighbor",
            "-pix_fmt",
            "rgb24",
            "-f",
            "rawvideo",
            "pipe:1",
          ],
        }),
        toArray(),
        map((pieces) => Buffer.concat(pieces)),
      ),
    );
  const ours = await rgb(["-f", "png_pipe", "-i", "pipe:0"], png);
  const theirs = await rgb(pictureInput({ ...picture, framesPerSecond: 25 }), picture.data);
  expect(ours.length).toBe(size.width * size.height * 3);
  const distance = ours.reduce((sum, value, i) => sum + Math.abs(value - (theirs[i] ?? 0)), 0) / ours.length;
  expect(distance).toBeLessThan(2);
});

const formats: PcmFormat[] = [
  { sampleRate: 8000, channels: 1, bits: 8, kind: "pcm8" },
  { sampleRate: 44_100, channels: 2, bits: 16 },
  { sampleRate: 48_000, channels: 6, bits: 24 },
  { sampleRate: 96_000, channels: 2, bits: 24, subslotSize: 4 },
  { sampleRate: 48_000, channels: 1, bits: 32, kind: "float" },
];

describe.each(formats)("$channels × $bits bits at $sampleRate", (format) => {
  const { sampleRate, channels, bits, subslotSize = Math.ceil(bits / 8), kind = "pcm" } = format;
  const frames = 1001;
  const data = Buffer.alloc(frames * channels * subslotSize);
  for (let i = 0; i < frames * channels; i++) {
    const value = Math.sin(i / 10) / 2;
    if (kind === "float") data.writeFloatLE(value, i * 4);
    else if (kind === "pcm8") data.writeUInt8(Math.round(128 + value * 127), i);
    else data.writeIntLE(Math.round(value * 2 ** (subslotSize * 8 - 1)), i * subslotSize, subslotSize);
  }
  const coding = { pcm: "signed-integer", pcm8: "unsigned-integer", float: "floating-point" }[kind];
  const raw = ["-t", "raw", "-e", coding, "-b", String(subslotSize * 8), "-L"];

  it("sox reads the WAV, and the very samples in it", async () => {
    const file = at("sound.wav");
    const blocks = [data.subarray(0, 96 * channels * subslotSize), data.subarray(96 * channels * subslotSize)];
    await lastValueFrom(from(blocks.map((each) => ({ format, data: each }))).pipe(toWav(file)));
    const ask = (what: string) => run(sox, "--info", what, file).toString().trim();
    expect([ask("-r"), ask("-c"), ask("-b"), ask("-s")].map(Number)).toStrictEqual([
      sampleRate,
      channels,
      subslotSize * 8,
      frames,
    ]);
    const read = run(sox, file, ...raw, "-");
    if (kind !== "float") expect(read.equals(data)).toBe(true);
    // It computes in whole numbers of 32 bits.
    else for (let i = 0; i < frames; i++) expect(read.readFloatLE(i * 4)).toBeCloseTo(data.readFloatLE(i * 4), 6);
  });

  it("goes through ffmpeg, in and out, unchanged", async () => {
    const args = pcmInput(format);
    const name = args[1] ?? "";
    const file = at("sound.nut");
    const codec = ["-c:a", `pcm_${name}`];
    await lastValueFrom(
      from([data.subarray(0, 1000), data.subarray(1000)]).pipe(
        toFfmpeg({ command: ffmpeg, args: [...args, ...codec, "-y", file] }),
      ),
      { defaultValue: undefined },
    );
    const source = fromFfmpeg({ command: ffmpeg, args: ["-i", file, ...codec, "-f", name, "pipe:1"] });
    const pieces = await lastValueFrom(
      source.pipe(
        concatMap((chunks) => chunks),
        toArray(),
      ),
    );
    expect(Buffer.concat(pieces).equals(data)).toBe(true);
  });
});

it("ffmpeg finishes its file after an unsubscribe", { timeout: 120_000 }, async () => {
  const file = at("cut.avi");
  const args = [...pictureInput({ format: "mjpeg", ...size, framesPerSecond: 25 }), "-c", "copy", "-y", file];
  const [picture] = testPictures("mjpeg");
  const source = new Subject<Uint8Array>();
  const queue = { overflow: "drop-newest", lost: () => undefined } as const;
  const subscription = source.pipe(toFfmpeg({ command: ffmpeg, args, patience: 60_000, ...queue })).subscribe();
  const feeding = setInterval(() => {
    for (let i = 0; i < 50; i++) source.next(picture?.data ?? new Uint8Array(0));
  }, 5);
  // Before it has begun, it has nothing to finish.
  await expect.poll(() => existsSync(file) && statSync(file).size > 0, { timeout: 50_000 }).toBe(true);
  clearInterval(feeding);
  subscription.unsubscribe();
  await expect.poll(() => readFileSync(file).includes("idx1"), { timeout: 60_000 }).toBe(true);
});

it("what ffmpeg says of a failure is in the error", async () => {
  const args = ["-i", "pipe:0", "-f", "null", "-"];
  const failed = lastValueFrom(from([Buffer.from("no video")]).pipe(toFfmpeg({ command: ffmpeg, args })));
  await expect(failed).rejects.toMatchObject({
    code: "process-failed",
    message: expect.stringContaining("Invalid data") as string,
  });
});
