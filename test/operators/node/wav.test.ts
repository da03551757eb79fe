import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { concatMap, EMPTY, firstValueFrom, from, lastValueFrom, map, Observable, of, Subject, toArray } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import { fromWav, toWav, type PcmFormat, type PcmSamples } from "../../../operators/node/index.js";
import { WavLayout } from "../../../operators/node/wav-layout.js";
import { eventually } from "../../support/eventually.js";
import { fullDisk } from "../../support/full-disk.js";
import { failure, plain } from "../../support/plain-error.js";
import { wavChunks } from "../../support/riff.js";

const directory = mkdtempSync(join(tmpdir(), "rx-isoch-wav-"));
const path = join(directory, "sound.wav");

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Files of the directory that this process has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(directory) ? [target] : [];
    } catch {
      return [];
    }
  });
}

const expectClosed = () =>
  eventually(() => {
    expect(openFiles()).toStrictEqual([]);
  });

const stereo: PcmFormat = { sampleRate: 48_000, channels: 2, bits: 16 };
const block = (length: number, format = stereo): PcmSamples => ({
  format,
  data: Uint8Array.from({ length }, (_, i) => i * 7),
});

async function readBack(file = path) {
  return lastValueFrom(
    fromWav(file).pipe(
      concatMap(({ data, ...rest }) =>
        from(data).pipe(
          toArray(),
          map((pieces) => ({ ...rest, bytes: Buffer.concat(pieces) })),
        ),
      ),
    ),
  );
}

const formats = fc
  .record({
    sampleRate: fc.integer({ min: 1, max: 384_000 }),
    channels: fc.integer({ min: 1, max: 8 }),
    slot: fc.constantFrom(
      { bits: 8, kind: "pcm8" } as const,
      { bits: 8 },
      { bits: 12 },
      { bits: 16 },
      { bits: 20 },
      { bits: 24, subslotSize: 4 },
      { bits: 32, kind: "float" } as const,
    ),
  })
  .map(({ slot, ...rest }): PcmFormat => ({ ...rest, ...slot }));
const slotOf = ({ bits, subslotSize = Math.ceil(bits / 8) }: PcmFormat) => subslotSize;

describe("toWav and fromWav", () => {
  it("what was written is read back, in a file by the book, whatever the format and the pieces", async () => {
    const blocks = formats.chain((format) =>
      fc
        .array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 })
        .map((counts) => counts.map((count) => block(count * format.channels * slotOf(format), format))),
    );
    await fc.assert(
      fc.asyncProperty(blocks, async (all) => {
        const { format } = all[0] ?? block(0);
        const summary = await lastValueFrom(from(all).pipe(toWav(path)));
        const bytes = Buffer.concat(all.map(({ data }) => data));
        const frames = bytes.length / (format.channels * slotOf(format));
        expect(summary).toStrictEqual({ frames, duration: frames / format.sampleRate, lost: 0 });
        const chunks = wavChunks(readFileSync(path));
        expect(chunks["fmt "]?.readUInt32LE(8)).toBe(format.sampleRate * format.channels * slotOf(format));
        expect(chunks["data"]?.length).toBe(bytes.length);
        const read = await readBack();
        const isByte = slotOf(format) === 1;
        expect(read.frames).toBe(frames);
        expect(read.format).toStrictEqual({
          sampleRate: format.sampleRate,
          channels: format.channels,
          bits: slotOf(format) * 8,
          subslotSize: slotOf(format),
          kind: isByte ? "pcm8" : (format.kind ?? "pcm"),
        });
        const signed = isByte && format.kind === undefined;
        expect(read.bytes.equals(signed ? bytes.map((byte) => byte ^ 0x80) : bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
    await expectClosed();
  });

  it("reads what others wrote: other chunks, an extensible format, a length of for ever, one that was cut off", async () => {
    const fmt = Buffer.alloc(40);
    fmt.writeUInt16LE(0xfffe, 0);
    fmt.writeUInt16LE(1, 2);
    fmt.writeUInt32LE(8000, 4);
    fmt.writeUInt16LE(4, 12);
    fmt.writeUInt16LE(32, 14);
    fmt.writeUInt16LE(22, 16);
    fmt.writeUInt16LE(24, 18);
    fmt.writeUInt16LE(1, 24);
    const chunk = (name: string, data: Buffer, length = data.length) => {
      const header = Buffer.from(`${name}....`, "latin1");
      header.writeUInt32LE(length, 4);
      return Buffer.concat([header, data, Buffer.alloc(data.length % 2)]);
    };
    const sound = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const length of [8, 0xffff_ffff, 1000]) {
      const whole = [
        Buffer.from("WAVE"),
        chunk("LIST", Buffer.alloc(3)),
        chunk("fmt ", fmt),
        chunk("data", sound, length),
      ];
      writeFileSync(path, chunk("RIFF", Buffer.concat([...whole, Buffer.alloc(length === 8 ? 0 : 2)])));
      expect(await readBack()).toStrictEqual({
        format: { sampleRate: 8000, channels: 1, bits: 24, subslotSize: 4, kind: "pcm" },
        frames: 2,
        bytes: sound,
      });
    }
  });

  it("never crashes or hangs, whatever the file, and leaves none open", async () => {
    await lastValueFrom(of(block(400)).pipe(toWav(path)));
    const good = readFileSync(path);
    const damage = fc.record({
      at: fc.nat({ max: 60 }),
      bytes: fc.uint8Array({ maxLength: 8 }),
      end: fc.nat({ max: good.length }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, bytes, end }) => {
        const bad = Buffer.from(good);
        bad.set(bytes, at);
        writeFileSync(path, bad.subarray(0, end));
        const outcome = await readBack().then(
          () => "read",
          (error: unknown) => plain(error).code,
        );
        expect(outcome).toMatch(/^(read|bad-file|unsupported)$/);
      }),
      { numRuns: 150 },
    );
    await expectClosed();
  });
});

describe("toWav", () => {
  it("counts the losses that the blocks tell of", async () => {
    const summary = await lastValueFrom(from([block(4), { ...block(4), lost: 5 }]).pipe(toWav(path)));
    expect(summary).toStrictEqual({ frames: 2, duration: 2 / 48_000, lost: 5 });
  });

  it("leaves an empty file where nothing came", async () => {
    expect(await lastValueFrom(EMPTY.pipe(toWav(path)))).toStrictEqual({ frames: 0, duration: 0, lost: 0 });
    expect(readFileSync(path).length).toBe(0);
  });

  it("finishes the file at an error of the source, and then errors", async () => {
    const source = new Observable<PcmSamples>((subscriber) => {
      subscriber.next(block(40));
      subscriber.error("reason");
    });
    await expect(lastValueFrom(source.pipe(toWav(path)))).rejects.toBe("reason");
    expect(openFiles()).toStrictEqual([]);
    expect((await readBack()).bytes.length).toBe(40);
  });

  it("finishes the file after an unsubscribe, whenever that comes", async () => {
    for (const patience of [0, 1, 2, 5, 20]) {
      rmSync(path, { force: true });
      const source = new Subject<PcmSamples>();
      const subscription = source.pipe(toWav(path)).subscribe();
      for (let i = 0; i < 10; i++) source.next(block(40));
      if (patience > 0) await new Promise((resolve) => setTimeout(resolve, patience));
      subscription.unsubscribe();
      expect(source.observed).toBe(false);
      // Also a file that was still being opened.
      await eventually(() => {
        expect(openFiles()).toStrictEqual([]);
        expect(wavChunks(readFileSync(path))["data"]).toHaveLength(400);
      });
    }
  });

  it("can be read while it is written, and if it is never finished", async () => {
    const source = new Subject<PcmSamples>();
    const subscription = source.pipe(toWav(path)).subscribe();
    source.next(block(400));
    await eventually(async () => {
      expect((await readBack()).bytes.length).toBe(400);
    });
    subscription.unsubscribe();
    await expectClosed();
  });

  it.each([
    ["another format", { ...stereo, channels: 1 }, 4, "invalid-option", "48000 samples a second, 1 × s16"],
    ["half a sample", stereo, 3, "length-mismatch", "4 bytes"],
  ] as const)("refuses %s, and finishes the file with what came before", async (_, format, length, code, part) => {
    const written = lastValueFrom(from([block(40), block(length, format)]).pipe(toWav(path)));
    expect(plain(await written.catch((error: unknown) => error))).toStrictEqual(
      failure("InvalidRequestError", code, part),
    );
    expect((await readBack()).bytes.length).toBe(40);
  });

  it("refuses samples that no WAV file has", async () => {
    const written = lastValueFrom(of(block(10, { ...stereo, bits: 40 })).pipe(toWav(path)));
    expect(plain(await written.catch((error: unknown) => error))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "s40"),
    );
    await expectClosed();
  });

  it("holds all that had come where somebody unsubscribes, also before the file was open", async () => {
    const blocks = new Subject<PcmSamples>();
    const subscription = blocks.pipe(toWav(path)).subscribe();
    for (let i = 0; i < 20; i++) blocks.next(block(1001 * 4));
    subscription.unsubscribe();
    expect(blocks.observed).toBe(false);
    await eventually(async () => {
      expect(wavChunks(readFileSync(path))["data"]?.length).toBe(20 * 1001 * 4);
      expect((await readBack()).frames).toBe(20 * 1001);
    });
    await expectClosed();
  });

  it("says what is in the file where the disk is full, wherever that is, and errors", async () => {
    const cases = formats.chain((format) =>
      fc.record({
        blocks: fc
          .array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 })
          .map((counts) => counts.map((count) => block(count * format.channels * slotOf(format), format))),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ blocks, share }) => {
        const format = blocks[0]?.format ?? stereo;
        const bytes = Buffer.concat(blocks.map(({ data }) => data));
        const header = format.kind === "float" ? 58 : 44;
        const room = Math.floor((header + bytes.length) * share);
        fc.pre(room < header + bytes.length);
        {
          using _disk = await fullDisk(room);
          const written = lastValueFrom(from(blocks).pipe(toWav(path)));
          await expect(written).rejects.toMatchObject({ code: "ENOSPC" });
        }
        const file = readFileSync(path);
        if (room < header) {
          expect(file.length).toBe(0);
          return;
        }
        const size = format.channels * slotOf(format);
        const whole = Math.floor((room - header) / size);
        const isUnpadded = (whole * size) % 2 === 1 && header + whole * size + 1 > room;
        expect(isUnpadded ? file.readUInt32LE(4) : wavChunks(file)["data"]?.length).toBe(
          isUnpadded ? file.length - 8 : whole * size,
        );
        const { bytes: read } = await readBack();
        const isSigned = slotOf(format) === 1 && format.kind === undefined;
        const expected = bytes.subarray(0, whole * size);
        expect(read.equals(isSigned ? expected.map((byte) => byte ^ 0x80) : expected)).toBe(true);
      }),
      { numRuns: 60 },
    );
    await expectClosed();
  });

  it.each([
    ["s16", stereo, 4 * 5, 0],
    ["u8", { ...stereo, bits: 8, kind: "pcm8" } as const, 2 * 5, 0x80],
    ["s8, which is u8 in the file", { ...stereo, bits: 8 }, 2 * 5, 0x80],
  ])("keeps time with silence where it is to: %s", (_, format, length, byte) => {
    const layout = new WavLayout(undefined, true);
    const sound = block(length, format);
    expect(layout.add(sound)).toHaveLength(2);
    const [silence, data, ...more] = layout.add({ ...sound, lost: 1_000_000 });
    expect(silence).toStrictEqual({ byte, length: 200_000 * length });
    expect([data?.length, more]).toStrictEqual([length, []]);
    const { summary, head } = layout.finish();
    expect(summary).toMatchObject({ frames: 1_000_010, lost: 1_000_000 });
    expect(new DataView(head.buffer).getUint32(40, true)).toBe(200_002 * length);
    // What is more than a file counts is no part of it.
    expect(() => layout.add({ ...sound, lost: 2 ** 50 })).toThrow(expect.objectContaining({ code: "file-full" }));
    expect(layout.finish().summary).toStrictEqual(summary);
  });

  it("is full where its numbers end", () => {
    const layout = new WavLayout(140);
    layout.add(block(100));
    expect(() => layout.add(block(8))).toThrow(expect.objectContaining({ code: "file-full" }));
    const { head, summary } = layout.finish();
    expect([new DataView(head.buffer).getUint32(40, true), summary.frames]).toStrictEqual([100, 25]);
  });

  it("counts right up to 4 GiB, and is full there", () => {
    const layout = new WavLayout();
    // Nobody writes to it: it takes no memory.
    const huge = new Uint8Array(2 ** 31);
    for (const data of [huge, huge.subarray(40)]) layout.add({ format: stereo, data });
    expect(() => layout.add(block(4))).toThrow(expect.objectContaining({ code: "file-full" }));
    const { head, summary } = layout.finish();
    const [riff, sound] = [4, 40].map((at) => new DataView(head.buffer).getUint32(at, true));
    expect([riff, sound, summary.frames]).toStrictEqual([2 ** 32 - 40 + 36, 2 ** 32 - 40, 2 ** 30 - 10]);
  });

  it("errors with what the file system says", async () => {
    const written = lastValueFrom(of(block(4)).pipe(toWav(join(directory, "no/such/directory.wav"))));
    await expect(written).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("fromWav", () => {
  it.each(["an unsubscribe", "a loop that is left"])("%s closes the file", async (how) => {
    await lastValueFrom(of(block(400_000)).pipe(toWav(path)));
    let seen = 0;
    const subscription = fromWav(path).subscribe(({ data }) => {
      void (async () => {
        for await (const piece of data) {
          seen += piece.length;
          if (how === "an unsubscribe") subscription.unsubscribe();
          else break;
        }
      })();
    });
    await eventually(() => {
      expect(seen).toBe(65_536);
    });
    await expectClosed();
  });

  it("says what there is no more to do with", async () => {
    await expect(firstValueFrom(fromWav(join(directory, "none.wav")))).rejects.toMatchObject({ code: "ENOENT" });
    await lastValueFrom(of(block(4)).pipe(toWav(path)));
    const bytes = readFileSync(path);
    bytes.writeUInt16LE(6, 20);
    writeFileSync(path, bytes);
    expect(plain(await readBack().catch((error: unknown) => error))).toStrictEqual(
      failure("UnsupportedError", "unsupported", "format 6", "fromFfmpeg"),
    );
    await expectClosed();
  });
});
