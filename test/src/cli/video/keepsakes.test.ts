import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, describe, expect, it } from "vitest";
import { keepsakes } from "../../../../src/cli/video/keepsakes.js";
import type { VideoFrame } from "../../../../src/class/uvc/index.js";
import { testCard, type CameraFormat } from "../../../../transports/virtual/index.js";
import { Scratch } from "../../../support/pack.js";

const scratch = new Scratch();
let count = 0;

afterAll(() => {
  scratch[Symbol.dispose]();
});

const fresh = (directory = ".") => ({
  still: join(scratch.path, directory, `still-${++count}.png`),
  clip: join(scratch.path, directory, `clip-${count}.avi`),
});

/** Ten pictures a second. */
function picture(format: CameraFormat, sequence: number): VideoFrame {
  const [width, height] = [320, 240];
  const data = new Uint8Array(testCard(format, width, height, sequence));
  return { format, width, height, data, timestamp: sequence * 100_000 } as unknown as VideoFrame;
}

describe("keepsakes", () => {
  it("leaves the first picture, and a clip of two seconds", async () => {
    const files = fresh();
    const keep = keepsakes(files);
    for (let i = 0; i < 40; i++) keep.take(picture("yuy2", i));
    expect(await keep.finish()).toStrictEqual({ files: [files.still, files.clip], missing: 0 });
    expect(decode(readFileSync(files.still))).toMatchObject({ width: 320, height: 240, channels: 3 });
    const clip = readFileSync(files.clip);
    expect(clip.toString("latin1", 8, 12)).toBe("AVI ");
    // dwTotalFrames of the main header.
    expect(clip.readUInt32LE(48)).toBe(20);
  });

  it("leaves no still of what needs a decoder, and nothing where nothing came", async () => {
    const files = fresh();
    const keep = keepsakes(files);
    keep.take(picture("mjpeg", 0));
    expect(await keep.finish()).toStrictEqual({ files: [files.clip], missing: 0 });
    const none = fresh();
    expect(await keepsakes(none).finish()).toStrictEqual({ files: [], missing: 0 });
    expect(existsSync(none.clip)).toBe(false);
  });

  it("says at the end that it could not write", async () => {
    const keep = keepsakes(fresh("nowhere"));
    keep.take(picture("yuy2", 0));
    await expect(keep.finish()).rejects.toMatchObject({ name: "FileSystemError", code: "no-such-file" });
  });
});
