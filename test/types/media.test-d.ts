/* eslint-disable rxjs-x/no-floating-observables -- nothing here runs, and some of it is wrong on purpose */
import type { Readable, Writable } from "node:stream";
import { map, of, switchMap, type Observable } from "rxjs";
import { describe, expectTypeOf, it } from "vitest";
import {
  camera,
  microphone,
  speaker,
  videoFrames,
  type PcmBlock,
  type PcmFormat,
  type PcmWireFormat,
  type Played,
} from "../../operators/media/index.js";
import {
  fromReadable,
  fromWav,
  pcmInput,
  pictureInput,
  toAvi,
  toFfmpeg,
  toPng,
  toReadable,
  toWav,
  writeTo,
  type AviSummary,
  type CameraPicture,
  type PcmFormat as FilePcmFormat,
  type PcmSamples,
  type TimedPicture,
  type WavSummary,
} from "../../operators/node/index.js";
import {
  toAudioData,
  toReadableStream,
  toVideoFrames,
  toWritableStream,
  type ClosableAudio,
  type ClosableFrame,
  type PcmFormat as LivePcmFormat,
  type TimedPcm,
  type TimedPicture as LivePicture,
} from "../../operators/streams/index.js";
import { toRgba, type VideoEncoding, type VideoFrame } from "../../src/class/uvc/index.js";
import type { IsochPipe, IsochTransport } from "../../src/index.js";
import { cameraDevice, type CameraFormat } from "../../transports/virtual/index.js";

declare const transport: IsochTransport;
declare const pipe: IsochPipe;
declare const frame: VideoFrame;
declare const readable: Readable;
declare const writable: Writable;
declare const stream: WritableStream<Uint8Array>;

const pictures = camera(transport, {});
const sound = microphone(transport, {});

describe("what a camera sends", () => {
  it("goes into files, as it is", () => {
    expectTypeOf(pictures).toEqualTypeOf<Observable<VideoFrame>>();
    expectTypeOf<VideoFrame>().toExtend<TimedPicture>();
    expectTypeOf<VideoFrame>().toExtend<CameraPicture>();
    expectTypeOf(pictures.pipe(toAvi("clip.avi"))).toEqualTypeOf<Observable<AviSummary>>();
    expectTypeOf(pictures.pipe(toPng())).toEqualTypeOf<Observable<Uint8Array>>();
    const frames = pipe.results().pipe(videoFrames({ format: "mjpeg", width: 640, height: 480 }));
    expectTypeOf(frames.pipe(toAvi("clip.avi"))).toEqualTypeOf<Observable<AviSummary>>();
  });

  it("goes to WebCodecs and canvases, as it is", () => {
    expectTypeOf<LivePicture>().toEqualTypeOf<TimedPicture>();
    expectTypeOf(pictures.pipe(toVideoFrames())).toEqualTypeOf<Observable<ClosableFrame>>();
    toRgba(frame);
  });

  it("tells ffmpeg what it is", () => {
    pictureInput({ ...frame, framesPerSecond: 30 });
    const bytes = pictures.pipe(map(({ data }) => data));
    expectTypeOf(bytes.pipe(toFfmpeg({ args: [] }))).toEqualTypeOf<Observable<Uint8Array>>();
    bytes.pipe(writeTo(writable));
    bytes.pipe(toWritableStream(stream));
    toReadable(bytes);
    toReadableStream(bytes);
  });

  it("is asked for by the names that the virtual camera has", () => {
    expectTypeOf<CameraFormat>().toExtend<VideoEncoding>();
    const [format] = ["yuy2"] as const;
    camera(transport, {}, { format });
    cameraDevice({ formats: [format] });
  });

  it("is no sound", () => {
    // @ts-expect-error pictures are no samples
    pictures.pipe(toWav("clip.wav"));
    // @ts-expect-error and their bytes alone say neither format nor size
    pictures.pipe(map(({ data }) => data)).pipe(toAvi("clip.avi"));
  });
});

describe("what a microphone hears", () => {
  it("goes into files and to WebCodecs, as it is", () => {
    expectTypeOf(sound).toEqualTypeOf<Observable<PcmBlock>>();
    expectTypeOf<PcmBlock>().toExtend<PcmSamples>();
    expectTypeOf<PcmBlock>().toExtend<TimedPcm>();
    expectTypeOf(sound.pipe(toWav("sound.wav"))).toEqualTypeOf<Observable<WavSummary>>();
    expectTypeOf(sound.pipe(toAudioData())).toEqualTypeOf<Observable<ClosableAudio>>();
  });

  it("is described by one format everywhere", () => {
    expectTypeOf<FilePcmFormat>().toEqualTypeOf<PcmFormat>();
    expectTypeOf<LivePcmFormat>().toEqualTypeOf<PcmFormat>();
    expectTypeOf<PcmFormat>().toExtend<PcmWireFormat>();
    sound.pipe(map(({ format }) => pcmInput(format)));
  });

  it("is played by a speaker, as it is", () => {
    expectTypeOf(sound.pipe(speaker(transport, {}))).toEqualTypeOf<Observable<Played>>();
    sound.pipe(switchMap((block) => of(block).pipe(speaker(transport, {}, block.format))));
  });

  it("is no picture", () => {
    // @ts-expect-error samples are no pictures
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it is right
    sound.pipe(toAvi("sound.avi"));
  });
});

describe("what a speaker plays", () => {
  it("comes from files and streams, with the format that they tell", () => {
    expectTypeOf(
      fromWav("sound.wav").pipe(switchMap(({ data, format }) => of(data).pipe(speaker(transport, {}, format)))),
    ).toEqualTypeOf<Observable<Played>>();
    fromReadable<Uint8Array>(readable).pipe(speaker(transport, {}));
  });

  it("is not the summary of a file", () => {
    // @ts-expect-error its `data` is what a speaker takes
    fromWav("sound.wav").pipe(speaker(transport, {}));
    // @ts-expect-error a readable has whatever it has, until somebody says that it is bytes
    fromReadable(readable).pipe(speaker(transport, {}));
  });
});
