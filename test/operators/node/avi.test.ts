import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { EMPTY, from, lastValueFrom, Observable, of, Subject } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import { toAvi, type TimedPicture } from "../../../operators/node/index.js";
import { AviLayout } from "../../../operators/node/avi-layout.js";
import { eventually } from "../../support/eventually.js";
import { fullDisk } from "../../support/full-disk.js";
import { failure, plain } from "../../support/plain-error.js";
import { parseAvi } from "../../support/riff.js";

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

describe("toAvi", () => {
  it("holds every picture, in a file by the book, whatever their sizes", async () => {
    const lengths = fc.array(fc.nat({ max: 500 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.constantFrom(1, 25, 30, 29.97, 0.5), async (all, framesPerSecond) => {
        const pictures = all.map((length) => picture(length));
        const summary = await lastValueFrom(from(pictures).pipe(toAvi(path, { framesPerSecond })));
        expect(summary).toStrictEqual({ frames: all.length, framesPerSecond });
        const file = parseAvi(readFileSync(path));
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
    expect(parseAvi(readFileSync(path)).framesPerSecond).toBe(25);
    await lastValueFrom(of(picture(10)).pipe(toAvi(path)));
    expect(parseAvi(readFileSync(path)).framesPerSecond).toBe(30);
  });

  it.each([
    ["yuy2", 16, 64 * 48 * 2],
    ["nv12", 12, (64 * 48 * 3) / 2],
  ])("holds %s as it is", async (format, bits, size) => {
    await lastValueFrom(of(picture(size, 0, format)).pipe(toAvi(path)));
    expect(parseAvi(readFileSync(path))).toMatchObject({
      codec: format.toUpperCase(),
      bits,
      bitmap: [64, 48, format.toUpperCase()],
    });
  });

  it("leaves an empty file where nothing came", async () => {
    expect(await lastValueFrom(EMPTY.pipe(toAvi(path)))).toStrictEqual({ frames: 0, framesPerSecond: 30 });
    expect(readFileSync(path).length).toBe(0);
  });

  it("holds the pictures there was room for where the disk is full, wherever that is, and errors", async () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.double({ min: 0, max: 1, noNaN: true }), async (all, share) => {
        const ends = all.map((_, i) =>
          all.slice(0, i + 1).reduce((sum, length) => sum + 8 + length + (length % 2), 224),
        );
        const needed = (ends.at(-1) ?? 0) + 8 + 16 * all.length;
        const room = Math.floor(needed * share);
        fc.pre(room < needed);
        const pictures = all.map((length, i) => picture(length, i * 40_000));
        {
          using _disk = await fullDisk(room);
          await expect(lastValueFrom(from(pictures).pipe(toAvi(path)))).rejects.toMatchObject({ code: "ENOSPC" });
        }
        const file = readFileSync(path);
        if (room < 224) {
          expect(file.length).toBe(0);
          return;
        }
        const whole = ends.filter((end) => end <= room).length;
        const parsed = parseAvi(file);
        expect(parsed.pictures.map((data) => [...data])).toStrictEqual(
          pictures.slice(0, whole).map(({ data }) => [...data]),
        );
        // An index where the picture that was too long made room for it.
        expect(parsed.hasIndex).toBe((ends[whole - 1] ?? 224) + 8 + 16 * whole <= room);
      }),
      { numRuns: 100 },
    );
  });

  it("plays at the rate of all that came, those that there was no room for among them", async () => {
    const pictures = [0, 1, 3].map((i) => picture(100, i * 50_000));
    {
      using _disk = await fullDisk(224 + 2 * 108 + 60);
      await expect(lastValueFrom(from(pictures).pipe(toAvi(path)))).rejects.toMatchObject({ code: "ENOSPC" });
    }
    const { pictures: held, framesPerSecond } = parseAvi(readFileSync(path));
    expect(held).toHaveLength(2);
    expect(framesPerSecond).toBeCloseTo(2 / 0.15, 2);
  });

  it("holds all that had come where somebody unsubscribes, also before the file was open", async () => {
    const pictures = new Subject<TimedPicture>();
    const subscription = pictures.pipe(toAvi(path, { framesPerSecond: 25 })).subscribe();
    for (let i = 1; i <= 20; i++) pictures.next(picture(i));
    subscription.unsubscribe();
    expect(pictures.observed).toBe(false);
    await eventually(() => {
      const { pictures: held } = parseAvi(readFileSync(path));
      expect(held.map(({ length }) => length)).toStrictEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    });
  });

  it("finishes the file at an error of the source, and then errors", async () => {
    const source = new Observable<TimedPicture>((subscriber) => {
      subscriber.next(picture(7));
      subscriber.error("reason");
    });
    await expect(lastValueFrom(source.pipe(toAvi(path)))).rejects.toBe("reason");
    expect(parseAvi(readFileSync(path)).pictures.length).toBe(1);
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
    expect(parseAvi(readFileSync(path)).pictures.length).toBe(1);
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
    expect(parseAvi(whole).pictures.length).toBe(2);
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
