import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runExample } from "../examples/bundle.js";
import { Scratch } from "../support/pack.js";
import { prepareProgram } from "../support/apt.js";

const ffmpeg = prepareProgram({ names: ["ffmpeg"], debian: "ffmpeg", variable: "FFMPEG" });
const ffprobe = prepareProgram({ names: ["ffprobe"], debian: "ffmpeg", variable: "FFPROBE" });
const scratch = new Scratch();

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** The one stream of a file, its pictures or packets counted; fails where ffprobe has anything to say of it. */
function probe(file: string) {
  const args = ["-v", "error", "-count_frames", "-show_streams", "-of", "json", join(scratch.path, file)];
  const { status, stdout, stderr } = spawnSync(ffprobe, args, { encoding: "utf8" });
  expect([status, stderr]).toStrictEqual([0, ""]);
  const { streams } = JSON.parse(stdout) as { streams: Record<string, unknown>[] };
  expect(streams.length).toBe(1);
  return streams[0];
}

const size = { width: 640, height: 480 };

it("webcam-to-ffmpeg makes a film of every picture", async () => {
  const env = { ...process.env, PATH: `${dirname(ffmpeg)}${delimiter}${process.env["PATH"] ?? ""}` };
  const { stdout, stderr } = await runExample(scratch.path, "webcam-to-ffmpeg", [], env);
  expect([stdout, stderr]).toStrictEqual(["webcam.mp4: 60 pictures, 0 dropped\n", ""]);
  expect(probe("webcam.mp4")).toMatchObject({ ...size, r_frame_rate: "30/1", nb_read_frames: "60" });
});

it("webcam-to-file makes an AVI and a PNG that ffprobe reads", async () => {
  await runExample(scratch.path, "webcam-to-file");
  expect(probe("webcam.avi")).toMatchObject({ codec_name: "mjpeg", ...size, nb_read_frames: "60" });
  expect(probe("webcam.png")).toMatchObject({ codec_name: "png", ...size });
});

it("microphone-to-wav makes a WAV that ffprobe reads", async () => {
  await runExample(scratch.path, "microphone-to-wav");
  expect(probe("microphone.wav")).toMatchObject({ codec_name: "pcm_s16le", sample_rate: "48000", channels: 2 });
});
