import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { EMPTY, from, lastValueFrom, Observable, of, Subject } from "rxjs";
import { afterAll, describe, expect, it, vi } from "vitest";
import { toAvi, type TimedPicture } from "../../../operators/node/index.js";
import { AviLayout } from "../../../operators/node/avi-layout.js";
import { failure, plain } from "../../support/plain-error.js";

const directory = mkdtempSync(join(tmpdir(), "rx-isoch-avi-"));
const path = join(directory, "clip.avi");

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const picture = (length: number, at = 0, format = "mjpeg"): TimedPicture => ({
  format,
  width: 64,
  height: 48,
  data: Uint8Array.from({ length }, (_, i) => i + length),
  timestamp: at,
});

interface Chunk {
  readonly name: string;
  readonly offset: number;
  readonly data: Buffer;
}

/** The chunks between two offsets, by the book: they fill the space, each on an even offset. */
function chunksIn(bytes: Buffer, from_: number, to: number): Chunk[] {
  const chunks: Chunk[] = [];
  let offset = from_;
  while (offset < to) {
    const length = bytes.readUInt32LE(offset + 4);
    chunks.push({ name: text(bytes, offset), offset, data: bytes.subarray(offset + 8, offset + 8 + length) });
    offset += 8 + length + (length % 2);
  }
  expect(offset).toBe(to);
  return chunks;
}

const text = (bytes: Buffer, offset: number) => bytes.toString("latin1", offset, offset + 4);

/** Takes a file apart, and holds it to itself on the way. */
function parse(bytes: Buffer) {
  expect([text(bytes, 0), bytes.readUInt32LE(4), text(bytes, 8)]).toStrictEqual(["RIFF", bytes.length - 8, "AVI "]);
  const [hdrl, movi, index, ...others] = chunksIn(bytes, 12, bytes.length);
  if (hdrl === undefined || movi === undefined || index === undefined) throw new Error("not three chunks");
  expect([others.length, hdrl.name, text(hdrl.data, 0), movi.name, text(movi.data, 0), index.name]).toStrictEqual([
    0,
    "LIST",
    "hdrl",
    "LIST",
    "movi",
    "idx1",
  ]);
  const [avih, strl] = chunksIn(bytes, hdrl.offset + 12, movi.offset);
  if (avih === undefined || strl === undefined) throw new Error("no header");
  expect([avih.name, avih.data.length, text(strl.data, 0)]).toStrictEqual(["avih", 56, "strl"]);
  const [strh, strf] = chunksIn(bytes, strl.offset + 12, movi.offset);
  if (strh === undefined || strf === undefined) throw new Error("no stream");
  expect([strh.name, strh.data.length, strf.name, strf.data.length]).toStrictEqual(["strh", 56, "strf", 40]);
  const pictures = chunksIn(bytes, movi.offset + 12, index.offset);
  for (const [i, { name, offset, data }] of pictures.entries()) {
    expect([name, text(index.data, i * 16)]).toStrictEqual(["00dc", "00dc"]);
    // From the word `movi` on.
    expect([index.data.readUInt32LE(i * 16 + 8), index.data.readUInt32LE(i * 16 + 12)]).toStrictEqual([
      offset - movi.offset - 8,
      data.length,
    ]);
  }
  expect(index.data.length).toBe(pictures.length * 16);
  expect([avih.data.readUInt32LE(16), strh.data.readUInt32LE(32)]).toStrictEqual([pictures.length, pictures.length]);
  return {
    microSecondsPerFrame: avih.data.readUInt32LE(0),
    size: [avih.data.readUInt32LE(32), avih.data.readUInt32LE(36)],
    largest: avih.data.readUInt32LE(28),
    codec: text(strh.data, 4),
    framesPerSecond: strh.data.readUInt32LE(24) / strh.data.readUInt32LE(20),
    bitmap: [strf.data.readUInt32LE(4), strf.data.readUInt32LE(8), text(strf.data, 16)],
    bits: strf.data.readUInt16LE(14),
    pictures: pictures.map(({ data }) => data),
  };
}

describe("toAvi", () => {
  it("holds every picture, in a file by the book, whatever their sizes", async () => {
    const lengths = fc.array(fc.nat({ max: 500 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.constantFrom(1, 25, 30, 29.97, 0.5), async (all, framesPerSecond) => {
        const pictures = all.map((length) => picture(length));
        const summary = await lastValueFrom(from(pictures).pipe(toAvi(path, { framesPerSecond })));
        expect(summary).toStrictEqual({ frames: all.length, framesPerSecond });
        const file = parse(readFileSync(path));
        expect(file).toMatchObject({
          microSecondsPerFrame: Math.round(1_000_000 / framesPerSecond),
          size: [64, 48],
          largest: Math.max(...all),
          codec: "MJPG",
          framesPerSecond,
          bitmap: [64, 48, "MJPG"],
        });
        expect(file.pictures.map((data) => [...data])).toStrictEqual(pictures.map(({ data }) => [...data]));
      }),
      { numRuns: 60 },
    );
  });

  it("measures the rate where it is not told", async () => {
    const pictures = Array.from({ length: 31 }, (_, i) => picture(10, 5_000_000 + i * 40_000));
    expect((await lastValueFrom(from(pictures).pipe(toAvi(path)))).framesPerSecond).toBe(25);
    expect(parse(readFileSync(path)).framesPerSecond).toBe(25);
    await lastValueFrom(of(picture(10)).pipe(toAvi(path)));
    expect(parse(readFileSync(path)).framesPerSecond).toBe(30);
  });

  it.each([
    ["yuy2", 16, 64 * 48 * 2],
    ["nv12", 12, (64 * 48 * 3) / 2],
  ])("holds %s as it is", async (format, bits, size) => {
    await lastValueFrom(of(picture(size, 0, format)).pipe(toAvi(path)));
    expect(parse(readFileSync(path))).toMatchObject({
      codec: format.toUpperCase(),
      bits,
      bitmap: [64, 48, format.toUpperCase()],
    });
  });

  it("leaves an empty file where nothing came", async () => {
    expect(await lastValueFrom(EMPTY.pipe(toAvi(path)))).toStrictEqual({ frames: 0, framesPerSecond: 30 });
    expect(readFileSync(path).length).toBe(0);
  });

  it.each([
    ["for a moment", 1],
    ["for good", Infinity],
  ])("a disk that is full %s: that error, and a header that says what had come", async (_how, failures) => {
    const handle = await open(path, "w");
    const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, "write">;
    await handle.close();
    const original = prototype.write;
    const write = vi.spyOn(prototype, "write");
    const pictures = new Subject<TimedPicture>();
    const written = lastValueFrom(pictures.pipe(toAvi(path, { framesPerSecond: 25 })));
    pictures.next(picture(100));
    await vi.waitFor(() => {
      expect(readFileSync(path).length).toBe(224 + 8 + 100);
    });
    const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    let failed = 0;
    write.mockImplementation(function (this: FileHandle, ...args: unknown[]) {
      const [bytes, , , at] = args as [Uint8Array, number, number, number];
      // What is there already can be written over.
      const takesRoom = at > 0 && bytes.length !== 8;
      return takesRoom && failed++ < failures
        ? Promise.reject(full)
        : (Reflect.apply(original, this, args) as ReturnType<typeof original>);
    });
    pictures.next(picture(60));
    await expect(written).rejects.toBe(full);
    write.mockRestore();
    const file = readFileSync(path);
    // Frames, in the main header.
    expect(file.readUInt32LE(48)).toBe(2);
    if (failures === 1) expect(parse(file).pictures.map(({ length }) => length)).toStrictEqual([100, 60]);
  });

  it("holds all that had come where somebody unsubscribes, also before the file was open", async () => {
    const pictures = new Subject<TimedPicture>();
    const subscription = pictures.pipe(toAvi(path, { framesPerSecond: 25 })).subscribe();
    for (let i = 1; i <= 20; i++) pictures.next(picture(i));
    subscription.unsubscribe();
    expect(pictures.observed).toBe(false);
    await vi.waitFor(() => {
      const { pictures: held } = parse(readFileSync(path));
      expect(held.map(({ length }) => length)).toStrictEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    });
  });

  it("finishes the file at an error of the source, and then errors", async () => {
    const source = new Observable<TimedPicture>((subscriber) => {
      subscriber.next(picture(7));
      subscriber.error("reason");
    });
    await expect(lastValueFrom(source.pipe(toAvi(path)))).rejects.toBe("reason");
    expect(parse(readFileSync(path)).pictures.length).toBe(1);
  });

  it.each([
    ["another size", { ...picture(3), width: 32 }],
    ["another format", picture(3, 0, "nv12")],
    ["a format that it does not hold", picture(3, 0, "RGB")],
  ])("refuses %s", async (_, other) => {
    const written = lastValueFrom(from([picture(7), other]).pipe(toAvi(path)));
    expect(plain(await written.catch((error: unknown) => error))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "64 × 48", other.format),
    );
    expect(parse(readFileSync(path)).pictures.length).toBe(1);
  });

  it.each([0, -1, NaN, Infinity])("refuses a rate of %s", async (framesPerSecond) => {
    const written = lastValueFrom(of(picture(7)).pipe(toAvi(path, { framesPerSecond })));
    expect(plain(await written.catch((error: unknown) => error))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "framesPerSecond"),
    );
  });

  it("is full where its numbers end, index included", () => {
    const layout = new AviLayout(30, 224 + 2 * (8 + 10) + 8 + 2 * 16);
    const pieces = [layout.add(picture(10)), layout.add(picture(10))];
    expect(() => layout.add(picture(0))).toThrow(expect.objectContaining({ code: "file-full" }));
    const { tail, head } = layout.finish();
    const whole = Buffer.concat([...pieces.flat(), ...tail]);
    whole.set(head);
    expect(parse(whole).pictures.length).toBe(2);
  });

  it("counts right up to 4 GiB, and is full there", () => {
    const layout = new AviLayout(30);
    // Nobody writes to it: it takes no memory.
    const huge = new Uint8Array(2 ** 31);
    const end = huge.subarray(282);
    for (const data of [huge, end]) layout.add({ ...picture(0), data });
    expect(() => layout.add(picture(0))).toThrow(expect.objectContaining({ code: "file-full" }));
    const { tail, head, summary } = layout.finish();
    const [riff = 0, movi = 0] = [4, 216].map((at) => new DataView(head.buffer).getUint32(at, true));
    const length = [head, huge, end, ...tail].reduce((sum, each) => sum + each.length, 2 * 8);
    expect([summary.frames, riff, movi]).toStrictEqual([2, length - 8, 4 + 2 * 8 + huge.length + end.length]);
    expect(2 ** 32 - length).toBeLessThan(8 + 16);
    const second = Buffer.from(tail[1] ?? []).subarray(16);
    expect([second.readUInt32LE(8), second.readUInt32LE(12)]).toStrictEqual([4 + 8 + huge.length, end.length]);
  });
});
