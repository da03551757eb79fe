import { firstValueFrom, of } from "rxjs";
import {
  toAudioData,
  toVideoFrames,
  type ClosableAudio,
  type ClosableFrame,
  type TimedPcm,
} from "rx-isoch/operators/streams";
import { readTestCard, testCard, type CameraFormat } from "rx-isoch/transports/virtual";

// Runs in a page: the browser's own WebCodecs, which Node does not have.
interface Canvas {
  getContext(kind: "2d"): {
    drawImage(frame: ClosableFrame, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
  };
}

interface Browser {
  readonly OffscreenCanvas: new (width: number, height: number) => Canvas;
}

interface Audio extends ClosableAudio {
  readonly format: string;
  readonly numberOfFrames: number;
  copyTo(to: Float32Array, options: { readonly planeIndex: number; readonly format: "f32-planar" }): void;
}

const [width, height] = [320, 240];

const pageCodecs = {
  /** What a canvas shows of a test card: its number, and the colours of its bars, above the box that moves. */
  async picture(format: CameraFormat, number: number) {
    const data = testCard(format, width, height, number);
    const frame = await firstValueFrom(of({ format, width, height, data, timestamp: 1234 }).pipe(toVideoFrames()));
    const canvas = new (globalThis as unknown as Browser).OffscreenCanvas(width, height).getContext("2d");
    canvas.drawImage(frame, 0, 0);
    frame.close();
    const pixels = canvas.getImageData(0, 0, width, height).data;
    const pixel = (x: number, y: number) => [...pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
    return {
      timestamp: frame.timestamp,
      number: readTestCard(width, height, (x, y) => pixel(x, y)[1] ?? 0),
      bars: Array.from({ length: 8 }, (_, bar) => pixel((bar + 0.5) * (width / 8), 4)),
    };
  },
  /** What is heard of the second channel. */
  async sound(format: TimedPcm["format"], bytes: readonly number[]) {
    const sound = { format, data: Uint8Array.from(bytes), timestamp: 1234 };
    const audio = (await firstValueFrom(of(sound).pipe(toAudioData()))) as Audio;
    const samples = new Float32Array(audio.numberOfFrames);
    audio.copyTo(samples, { planeIndex: 1, format: "f32-planar" });
    const { timestamp } = audio;
    audio.close();
    return { timestamp, samples: [...samples] };
  },
};

/** @internal */
export type PageCodecs = typeof pageCodecs;

Object.assign(globalThis, { pageCodecs });
