import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  testCard,
  testCardNumber,
  type CameraDeviceOptions,
  type CameraFormat,
} from "../../../../transports/virtual/index.js";
import { ClassDevice } from "../support/class-devices.js";
import { run } from "../support/kernel.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "uvcvideo-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

interface Capture {
  readonly format: CameraFormat;
  /** As v4l2-ctl names it. */
  readonly pixelFormat: string;
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly count: number;
}

/** Has v4l2-ctl take pictures, and returns their bytes one behind the other. */
function capture(node: string, { pixelFormat, width, height, rate, count }: Capture): Buffer {
  const file = join(directory, "pictures");
  run(
    "v4l2-ctl",
    ...["--device", node],
    `--set-fmt-video=width=${width},height=${height},pixelformat=${pixelFormat}`,
    `--set-parm=${rate}`,
    ...["--stream-mmap=8", `--stream-count=${count}`, `--stream-to=${file}`],
  );
  return readFileSync(file);
}

/** Takes apart what {@link capture} returned. */
function split(bytes: Buffer, { format, width, height }: Capture): Buffer[] {
  const pictures: Buffer[] = [];
  if (format === "mjpeg") {
    // What is coded has no 0xff 0xd9, which ends a JPEG.
    for (let at = 0; at < bytes.length;) {
      const end = bytes.indexOf(Buffer.of(0xff, 0xd9), at) + 2;
      expect(end).toBeGreaterThan(at);
      pictures.push(bytes.subarray(at, end));
      at = end;
    }
  } else {
    const size = width * height * (format === "yuy2" ? 2 : 1.5);
    for (let at = 0; at < bytes.length; at += size) pictures.push(bytes.subarray(at, at + size));
  }
  return pictures;
}

async function expectCards(options: CameraDeviceOptions, wanted: Capture): Promise<void> {
  await using camera = await ClassDevice.attach("camera", options, "uvcvideo");
  const node = `/dev/${await camera.child("video4linux")}`;
  const pictures = split(capture(node, wanted), wanted);
  expect(pictures).toHaveLength(wanted.count);
  const { format, width, height } = wanted;
  const numbers = pictures.map((picture) => testCardNumber(format, width, height, picture) ?? NaN);
  expect(numbers, "in the order in which they were taken").toStrictEqual(numbers.toSorted((a, b) => a - b));
  expect(new Set(numbers).size).toBe(wanted.count);
  pictures.forEach((picture, i) => {
    expect(picture.equals(testCard(format, width, height, numbers[i] ?? 0)), `picture ${i} is card ${numbers[i]}`).toBe(
      true,
    );
  });
  expect(await camera.failures()).toStrictEqual([]);
  console.log(`${format} ${width} × ${height}: cards ${numbers[0]} to ${numbers.at(-1)}`, await camera.counts());
}

const yuy2: Capture = { format: "yuy2", pixelFormat: "YUYV", width: 640, height: 480, rate: 30, count: 60 };
const mjpeg: Capture = { format: "mjpeg", pixelFormat: "MJPG", width: 1280, height: 720, rate: 30, count: 60 };
const nv12: Capture = { format: "nv12", pixelFormat: "NV12", width: 320, height: 240, rate: 15, count: 15 };

// Whatever else the host does can hold up the whole guest for longer than the driver has in flight.
describe("the kernel's uvcvideo", { retry: 2 }, () => {
  test.each([yuy2, mjpeg, nv12])(
    "captures $format $width × $height, byte for byte",
    { timeout: 120_000 },
    async (wanted) => {
      await expectCards({}, wanted);
    },
  );

  test.each([0x0100, 0x0150] as const)("takes a camera of bcdUVC %i", { timeout: 120_000 }, async (uvcVersion) => {
    await expectCards({ uvcVersion, idle: "empty" }, { ...mjpeg, width: 640, height: 480, count: 10 });
  });

  test("has the formats, sizes and rates that the camera offers, and changes between them", async () => {
    await using camera = await ClassDevice.attach("camera", {}, "uvcvideo");
    const node = `/dev/${await camera.child("video4linux")}`;
    const listed = run("v4l2-ctl", "--device", node, "--list-formats-ext");
    expect(listed).toMatch(/'YUYV'.*'MJPG'.*'NV12'/s);
    for (const size of ["640x480", "320x240", "1280x720"]) expect(listed).toContain(`Size: Discrete ${size}`);
    expect(listed).toContain("30.000 fps");
    for (const wanted of [nv12, yuy2, nv12]) {
      const pictures = split(capture(node, { ...wanted, count: 3 }), wanted);
      expect(testCardNumber(wanted.format, wanted.width, wanted.height, pictures[0] ?? Buffer.alloc(0))).toBe(0);
    }
  });
});
