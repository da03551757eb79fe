import { from, lastValueFrom, NEVER, of, Subject, toArray } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import {
  jpegFile,
  toAudioData,
  toVideoFrames,
  type AudioDataSource,
  type PcmFormat,
  type PixelLayout,
  type TimedPicture,
} from "../../../operators/streams/index.js";
import { failure, plain } from "../../support/plain-error.js";
import { standardCases } from "../../support/standard-cases.js";

/** Stand-ins for the classes of a browser, which count what is open. */
function browser() {
  const open = new Set<unknown>();
  class VideoFrame {
    readonly timestamp: number;
    readonly bytes: readonly number[];
    readonly layout: PixelLayout | undefined;
    constructor(source: Uint8Array | VideoFrame, init: PixelLayout | { readonly timestamp: number }) {
      this.timestamp = init.timestamp;
      this.bytes = source instanceof VideoFrame ? source.bytes : [...source];
      this.layout = "format" in init ? init : undefined;
      open.add(this);
    }
    close(): void {
      expect(open.delete(this)).toBe(true);
    }
  }
  const decodes: (() => void)[] = [];
  class ImageDecoder {
    readonly #data: Uint8Array;
    constructor({ data, type }: { readonly data: Uint8Array; readonly type: string }) {
      expect(type).toBe("image/jpeg");
      this.#data = data;
      open.add(this);
    }
    decode(): Promise<{ readonly image: VideoFrame }> {
      return new Promise((resolve, reject) => {
        decodes.push(() => {
          if (this.#data.length === 0) reject(new Error("not a JPEG"));
          else resolve({ image: new VideoFrame(this.#data, { timestamp: 0 }) });
        });
      });
    }
    close(): void {
      expect(open.delete(this)).toBe(true);
    }
  }
  const decode = async () => {
    decodes.shift()?.();
    await new Promise(setImmediate);
  };
  return { VideoFrame, ImageDecoder, open, decode };
}

const jpeg = (timestamp: number, length = 1): TimedPicture => ({
  format: "mjpeg",
  width: 2,
  height: 2,
  data: Uint8Array.from({ length }, () => timestamp),
  timestamp,
});

const error = (reason: unknown) => plain(reason);

describe("toVideoFrames", () => {
  it("takes YUY2 apart, and leaves NV12 as it is", async () => {
    const { VideoFrame, open } = browser();
    const pictures: TimedPicture[] = [
      { format: "yuy2", width: 2, height: 2, data: Uint8Array.of(1, 10, 2, 20, 3, 11, 4, 21), timestamp: 5 },
      { format: "nv12", width: 2, height: 2, data: Uint8Array.of(1, 2, 3, 4, 10, 20), timestamp: 6 },
      { format: "nv12", width: 2, height: 2, data: Uint8Array.of(1, 2), timestamp: 7 },
    ];
    const frames = await lastValueFrom(from(pictures).pipe(toVideoFrames({ VideoFrame }), toArray()));
    const size = { codedWidth: 2, codedHeight: 2 };
    expect(frames.map(({ bytes, layout }) => [bytes, layout])).toStrictEqual([
      [[1, 2, 3, 4, 10, 11, 20, 21], { format: "I422", ...size, timestamp: 5 }],
      [[1, 2, 3, 4, 10, 20], { format: "NV12", ...size, timestamp: 6 }],
      [
        [1, 2, 0x80, 0x80, 0x80, 0x80].map((value, i) => (i === 2 || i === 3 ? 0 : value)),
        { format: "NV12", ...size, timestamp: 7 },
      ],
    ]);
    expect(open.size).toBe(3);
  });

  it("hands a JPEG without Huffman tables to the decoder with the typical ones", async () => {
    const { decode, ...classes } = browser();
    const data = Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2, 0xff, 0xd9);
    let bytes: readonly number[] = [];
    of({ ...jpeg(1), data })
      .pipe(toVideoFrames(classes))
      .subscribe((frame) => (bytes = frame.bytes));
    await decode();
    expect(bytes).toStrictEqual([...jpegFile(data)]);
    expect(bytes.length).toBeGreaterThan(data.length);
  });

  it("decodes one JPEG after the other, in order, with its own timestamp; the receiver closes", async () => {
    const { open, decode, ...classes } = browser();
    const frames: InstanceType<typeof classes.VideoFrame>[] = [];
    from([jpeg(1), jpeg(2)])
      .pipe(toVideoFrames(classes))
      .subscribe((frame) => frames.push(frame));
    expect(open.size).toBe(1);
    await decode();
    await decode();
    expect(frames.map(({ timestamp, bytes }) => [timestamp, bytes])).toStrictEqual([
      [1, [1]],
      [2, [2]],
    ]);
    expect([...open]).toStrictEqual(frames);
    for (const frame of frames) frame.close();
    expect(open.size).toBe(0);
  });

  it("live: while one is decoded, the latest waits, and others are told to be lost", async () => {
    const { open, decode, ...classes } = browser();
    const lost: number[] = [];
    const frames: number[] = [];
    const source = new Subject<TimedPicture>();
    source
      .pipe(
        toVideoFrames({
          ...classes,
          queue: 1,
          overflow: "drop-oldest",
          lost: ({ timestamp }) => lost.push(timestamp),
        }),
      )
      .subscribe((frame) => frames.push(frame.timestamp));
    for (let i = 0; i < 5; i++) source.next(jpeg(i));
    await decode();
    await decode();
    expect([frames, lost]).toStrictEqual([
      [0, 4],
      [1, 2, 3],
    ]);
    expect(open.size).toBe(2);
  });

  it("a picture that cannot be decoded ends nothing where it is told of, else everything", async () => {
    const { decode, ...classes } = browser();
    const lost: number[] = [];
    const frames: number[] = [];
    const told = { overflow: "drop-newest", lost: ({ timestamp }: TimedPicture) => lost.push(timestamp) } as const;
    from([jpeg(1, 0), jpeg(2)])
      .pipe(toVideoFrames({ ...classes, ...told }))
      .subscribe((frame) => frames.push(frame.timestamp));
    await decode();
    await decode();
    expect([frames, lost]).toStrictEqual([[2], [1]]);

    const strict = lastValueFrom(of(jpeg(1, 0)).pipe(toVideoFrames(classes))).catch(error);
    await decode();
    expect(await strict).toStrictEqual(failure("FrameError", "bad-frame", "not a JPEG", "lost"));
  });

  it("closes what is decoded after an unsubscribe", async () => {
    const { open, decode, ...classes } = browser();
    const next = vi.fn();
    const source = new Subject<TimedPicture>();
    const subscription = source.pipe(toVideoFrames(classes)).subscribe(next);
    source.next(jpeg(1));
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
    await decode();
    expect(next).not.toHaveBeenCalled();
    expect(open.size).toBe(0);
  });

  it("says what is not there, and refuses other formats", async () => {
    const { VideoFrame } = browser();
    expect(await lastValueFrom(NEVER.pipe(toVideoFrames())).catch(error)).toStrictEqual(
      failure("UnsupportedError", "unsupported", "VideoFrame"),
    );
    expect(await lastValueFrom(of(jpeg(1)).pipe(toVideoFrames({ VideoFrame }))).catch(error)).toStrictEqual(
      failure("UnsupportedError", "unsupported", "ImageDecoder"),
    );
    const other = { ...jpeg(1), format: "RGB" };
    expect(await lastValueFrom(of(other).pipe(toVideoFrames({ VideoFrame }))).catch(error)).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "RGB"),
    );
  });
});

describe("toAudioData", () => {
  class AudioData {
    readonly timestamp: number;
    readonly init: AudioDataSource;
    constructor(init: AudioDataSource) {
      this.timestamp = init.timestamp;
      this.init = init;
    }
    close(): void {
      // It has nothing to give back.
    }
  }
  const sound = (format: Partial<PcmFormat>, ...bytes: number[]) => ({
    format: { sampleRate: 8000, channels: 2, bits: 16, ...format },
    data: Uint8Array.from(bytes),
    timestamp: 9,
  });

  standardCases(() => ({ operator: toAudioData({ AudioData }), value: () => sound({}, 1, 2, 3, 4) }));

  it.each([
    ["u8", { bits: 8, kind: "pcm8" }, [1, 0x82], [1, 0x82]],
    ["u8", { bits: 8 }, [1, 0x82], [0x81, 2]],
    ["s16", { bits: 12 }, [1, 2, 3, 4], [1, 2, 3, 4]],
    ["s32", { bits: 24 }, [1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 0, 4, 5, 6]],
    ["s32", { bits: 24, subslotSize: 4 }, [0, 1, 2, 3, 0, 4, 5, 6], [0, 1, 2, 3, 0, 4, 5, 6]],
    ["f32", { bits: 32, kind: "float" }, [0, 1, 2, 3, 0, 4, 5, 6], [0, 1, 2, 3, 0, 4, 5, 6]],
  ] as const)("%s of %j", async (format, given, bytes, expected) => {
    const { init } = await lastValueFrom(of(sound(given, ...bytes)).pipe(toAudioData({ AudioData })));
    expect({ ...init, data: [...init.data] }).toStrictEqual({
      format,
      sampleRate: 8000,
      numberOfChannels: 2,
      numberOfFrames: 1,
      timestamp: 9,
      data: expected,
    });
  });

  it("says what is not there, and refuses what AudioData does not know", async () => {
    const of_ = (...args: Parameters<typeof sound>) =>
      lastValueFrom(of(sound(...args)).pipe(toAudioData({ AudioData }))).catch(error);
    expect(await lastValueFrom(NEVER.pipe(toAudioData())).catch(error)).toStrictEqual(
      failure("UnsupportedError", "unsupported", "AudioData"),
    );
    expect(await of_({}, 1, 2, 3)).toStrictEqual(failure("InvalidRequestError", "length-mismatch", "4 bytes"));
    expect(await of_({ bits: 64, kind: "float" })).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "8 bytes (float)"),
    );
  });
});
