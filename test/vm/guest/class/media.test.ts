import { crc32 } from "node:zlib";
import { lastValueFrom, take, takeWhile, tap } from "rxjs";
import { libusb, libusbCounters } from "rx-isoch/transports/libusb";
import {
  cameraProtocol,
  microphoneProtocol,
  testCardNumber,
  tone,
  type CameraFormat,
} from "rx-isoch/transports/virtual";
import { camera, microphone, type CameraSession } from "rx-isoch/operators/media";
import type { VideoFrame } from "rx-isoch/class/uvc";
import { afterEach, describe, expect, test } from "vitest";
import { TestCardPainter } from "../../../../transports/virtual/devices/camera/test-card.js";
import { ClassDevice } from "../support/class-devices.js";
import { limitUsbfsMemory } from "../support/usbfs-memory.js";

/** A minute by hand; less where all of the lab runs. */
const seconds = Number(process.env["VM_MEDIA_SECONDS"] ?? 10);
const rate = 30;
const timeout = (seconds + 120) * 1000;
const { vendorId } = cameraProtocol;
/** In flight for longer than the guest stands still; in wake-ups that emulation can keep up with. */
const video = { frames: 512, queue: 20, batch: 2, ring: 200 };

interface Picture {
  readonly format: CameraFormat;
  readonly width: number;
  readonly height: number;
}

const yuy2: Picture = { format: "yuy2", width: 640, height: 480 };
const mjpeg: Picture = { format: "mjpeg", width: 1280, height: 720 };

interface Print {
  readonly number: number;
  readonly isComplete: boolean;
  /** CRC-32 of its bytes. */
  readonly checksum: number;
}

/**
 * Which of the pictures that the camera took came whole, by their numbers, and which came with a flaw. While they come
 * only checksums are taken: in emulation, to paint what they should be takes as long as they last.
 */
class Album {
  readonly #prints: Print[] = [];
  readonly #picture: Picture;
  /** The number of the first, less its place in the sequence. */
  #ahead: number | undefined;

  constructor(picture: Picture) {
    this.#picture = picture;
  }

  add({ data, status, sequence, width, height }: VideoFrame): void {
    const { format } = this.#picture;
    expect({ width, height }).toStrictEqual({ width: this.#picture.width, height: this.#picture.height });
    this.#ahead ??= (testCardNumber(format, width, height, data) ?? NaN) - sequence;
    this.#prints.push({ number: this.#ahead + sequence, isComplete: status === "complete", checksum: crc32(data) });
  }

  get whole(): number[] {
    return this.#prints.filter(({ isComplete }) => isComplete).map(({ number }) => number);
  }

  get flawed(): number[] {
    return this.#prints.filter(({ isComplete }) => !isComplete).map(({ number }) => number);
  }

  /** Said to be whole, and not what was sent; or the other way round. */
  misjudged(): number[] {
    const { format, width, height } = this.#picture;
    const painter = new TestCardPainter(format, width, height);
    return this.#prints
      .filter(({ number, isComplete, checksum }) => (crc32(painter.paint(number)) === checksum) !== isComplete)
      .map(({ number }) => number);
  }
}

/** Takes so many pictures through libusb. */
async function takePictures(
  { format, width, height }: Picture,
  count: number,
): Promise<{ readonly album: Album; readonly session: CameraSession | undefined }> {
  const album = new Album({ format, width, height });
  let session: CameraSession | undefined;
  const frames = camera(
    libusb(),
    { vendorId, productId: cameraProtocol.productId },
    {
      ...{ format, width, height, frameRate: rate, incomplete: "emit", stream: video },
      started: (started) => {
        session = started;
      },
    },
  );
  await lastValueFrom(
    frames.pipe(
      tap((frame) => {
        album.add(frame);
      }),
      take(count),
    ),
    { defaultValue: undefined },
  );
  return { album, session };
}

const inUse = () => {
  const { buffers: _, ...counters } = libusbCounters();
  return Object.values(counters).filter((count) => count !== 0);
};

afterEach(async () => {
  await expect.poll(inUse, { timeout: 10_000 }).toHaveLength(0);
});

// Whatever else the host does can hold up the whole guest for longer than anything is in flight.
describe("a camera through libusb", { retry: 2 }, () => {
  test.each([yuy2, mjpeg])(`gives every $format picture whole, ${seconds} s of them`, { timeout }, async (picture) => {
    limitUsbfsMemory(64);
    await using device = await ClassDevice.attach("camera", {}, "uvcvideo");
    const count = seconds * rate;
    const { album, session } = await takePictures(picture, count);
    expect(album.flawed).toStrictEqual([]);
    expect(album.misjudged()).toStrictEqual([]);
    const [first = NaN] = album.whole;
    expect(album.whole).toStrictEqual(Array.from({ length: count }, (_, i) => first + i));
    // In the last transfer there may be the end of one more.
    expect(session?.statistics.complete).toBeGreaterThanOrEqual(count);
    expect(session?.statistics).toMatchObject({ incomplete: 0, dropped: 0, lostFrames: 0, failedPackets: 0 });
    expect((await device.counts()).skipped).toBe(0);
    expect(await device.failures()).toStrictEqual([]);
    // The driver of the kernel has it back.
    await expect.poll(() => device.sysfs.interfaceDriver(0), { timeout: 10_000 }).toBe("uvcvideo");
  });

  test("flags the pictures that were damaged on the bus, and no others", async () => {
    limitUsbfsMemory(64);
    await using device = await ClassDevice.attach("camera", {}, "uvcvideo");
    // Longer than the pause between two pictures: each hits one picture, or the end of one and the next.
    const faults = Array.from({ length: 8 }, (_, i) => ({
      ...({ type: "packet", endpoint: cameraProtocol.endpoint, status: "crc", actual: 0, frames: 100 } as const),
      frame: 24_000 + 1500 * i,
    }));
    await device.inject(...faults);
    const { album } = await takePictures(yuy2, 6 * rate);
    expect(album.misjudged()).toStrictEqual([]);
    expect(album.flawed.length).toBeGreaterThanOrEqual(faults.length);
    expect(album.flawed.length).toBeLessThanOrEqual(2 * faults.length);
    const numbers = [...album.whole, ...album.flawed].toSorted((a, b) => a - b);
    expect(numbers).toStrictEqual(Array.from(numbers, (_, i) => (numbers[0] ?? NaN) + i));
  });
});

describe("a microphone through libusb", { retry: 2 }, () => {
  test.each([44_100, 48_000])(
    `gives the tone sample for sample at %i Hz, ${seconds} s of it`,
    { timeout },
    async (sampleRate) => {
      await using device = await ClassDevice.attach("microphone", { fifo: 2000 }, "snd-usb-audio");
      const blocks = microphone(
        libusb(),
        { vendorId, productId: microphoneProtocol.productId },
        { sampleRate, channels: 2, stream: { frames: 64, queue: 10 } },
      );
      // It repeats itself after a second.
      const period = tone(0, 2 * sampleRate, { sampleRate, channels: 2 });
      let samples = 0;
      let differing = 0;
      let lost = 0;
      await lastValueFrom(
        blocks.pipe(
          tap((block) => {
            lost += block.lost;
            const from = samples % sampleRate;
            const expected = period.subarray(2 * from, 2 * (from + block.frames));
            if (
              Buffer.compare(block.data, new Uint8Array(expected.buffer, expected.byteOffset, expected.byteLength)) !==
              0
            )
              differing++;
            samples += block.frames;
          }),
          takeWhile(({ firstFrame, frames }) => firstFrame + frames < seconds * sampleRate),
        ),
        { defaultValue: undefined },
      );
      expect({ lost, differing }).toStrictEqual({ lost: 0, differing: 0 });
      expect(samples).toBeGreaterThanOrEqual(seconds * sampleRate);
      expect((await device.counts()).lost).toBe(0);
      expect(await device.failures()).toStrictEqual([]);
    },
  );
});
