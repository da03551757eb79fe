import fc from "fast-check";
import { concat, from, lastValueFrom, of, throwError, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { PcmBlock, pcmBlocks, type PcmBlocksOptions, type PcmFormat } from "../../../operators/media/index.js";
import { IsochResults, statusCodes, type IsochErrorCode } from "../../../src/index.js";
import { results } from "../../support/hand-made.js";
import { failure, thrown } from "../../support/plain-error.js";
import { marbles } from "../../support/marbles.js";
import { standardCases } from "../../support/standard-cases.js";

/** Two bytes in a sample, four in the packets of `results`: two samples a packet, nominally. */
const mono: PcmFormat = { sampleRate: 2000, channels: 1, bits: 16 };

async function blocksOf(format: PcmFormat, options: PcmBlocksOptions, ...all: readonly IsochResults[]) {
  const blocks = await lastValueFrom(from(all).pipe(pcmBlocks(format, options), toArray()));
  return blocks.map(inWords);
}

function inWords({ firstFrame, frames, lost, data }: PcmBlock) {
  return `${firstFrame}: ${frames}${lost === 0 ? "" : `, ${lost} lost`} [${data.join(" ")}]`;
}

describe("pcmBlocks", () => {
  standardCases<IsochResults, PcmBlock>(() => ({
    operator: pcmBlocks(mono),
    value: () => results(0, [[1, 2]]),
  }));

  it(
    "makes a block of each transfer",
    marbles((m) => {
      const source = m.hot("    -a-b-|", {
        a: results(0, [
          [1, 0, 2, 0],
          [3, 0],
        ]),
        b: results(2, [[4, 0], []], { timestamp: 7 }),
      });
      const subs = "            ^----!";
      const expected = "        -a-b-|";
      const blocks = source.pipe(pcmBlocks(mono));

      m.expect(blocks).toBeObservable(expected, {
        a: expect.objectContaining({ firstFrame: 0, frames: 3, lost: 0, channels: 1, sampleRate: 2000 }) as PcmBlock,
        b: expect.objectContaining({ firstFrame: 3, frames: 1, lost: 0, timestamp: 7 }) as PcmBlock,
      });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  const damaged = [
    results(0, [
      [1, 0, 2, 0],
      ["crc", 9, 9],
      [3, 0, 4, 0],
    ]),
    results(6, [[5, 0]], { lost: 3 }),
    results(9, [], { lost: 2 }),
  ];

  it("says how many samples were lost before a block: packets that failed, and frames of the bus", async () => {
    expect(await blocksOf(mono, {}, ...damaged)).toStrictEqual([
      "0: 2 [1 0 2 0]",
      "4: 2, 2 lost [3 0 4 0]",
      "12: 1, 6 lost [5 0]",
      "17: 0, 4 lost []",
    ]);
  });

  it("fills what was lost with silence", async () => {
    expect(await blocksOf(mono, { lost: "silence" }, ...damaged)).toStrictEqual([
      "0: 2 [1 0 2 0]",
      "2: 2, 2 lost [0 0 0 0]",
      "4: 2 [3 0 4 0]",
      `6: 6, 6 lost [${"0 ".repeat(12).trim()}]`,
      "12: 1 [5 0]",
      "13: 4, 4 lost [0 0 0 0 0 0 0 0]",
    ]);
    expect(
      await blocksOf({ ...mono, bits: 8, kind: "pcm8" }, { lost: "silence" }, results(1, [[1]], { lost: 1 })),
    ).toStrictEqual(["0: 2, 2 lost [128 128]", "2: 1 [1]"]);
  });

  it("tells a loss that an error ends, before the error", async () => {
    const seen: string[] = [];
    const source = concat(
      of(results(0, [["stall"]])),
      throwError(() => new Error("gone")),
    );
    await new Promise<void>((resolve) => {
      source.pipe(pcmBlocks(mono)).subscribe({
        next: (block) => seen.push(inWords(block)),
        error: (error: unknown) => {
          seen.push(String(error));
          resolve();
        },
      });
    });
    expect(seen).toStrictEqual(["2: 0, 2 lost []", "Error: gone"]);
  });

  it("leaves out frames that had no turn, and loses the sample that was cut off", async () => {
    expect(await blocksOf(mono, {}, results(0, [[1, 0, 2], [3, 0], ["not-complete"]]))).toStrictEqual([
      "0: 1 [1 0]",
      "2: 1, 1 lost [3 0]",
    ]);
  });

  it("a long loss costs no memory: silence comes in pieces", async () => {
    const source = of(results(0, [[1, 0]], { lost: 100_000 }));
    const blocks = await lastValueFrom(source.pipe(pcmBlocks(mono, { lost: "silence" }), toArray()));
    expect(blocks.map(({ frames }) => frames)).toStrictEqual([65_536, 65_536, 65_536, 3392, 1]);
    expect(blocks.at(-1)?.firstFrame).toBe(200_000);
  });

  it("counts every sample of the nominal rate once, delivered or lost, whatever goes wrong", () => {
    const rates = new Map([
      [44_100, 1000],
      [44_100, 125],
      [11_025, 2000],
    ]);
    const packet = fc.record({ isOk: fc.boolean(), lostBefore: fc.nat({ max: 5 }) });
    fc.assert(
      fc.property(
        fc.constantFrom(...rates),
        fc.array(packet, { maxLength: 200 }),
        fc.constantFrom("leave-out" as const, "silence" as const),
        ([sampleRate, frameDuration], packets, lost) => {
          const perPacket = 3;
          let bad = 0;
          const all = packets.map(({ isOk, lostBefore }, i) => {
            bad += lostBefore + Number(!isOk);
            return new IsochResults({
              firstFrame: i,
              lost: lostBefore,
              requested: Uint32Array.of(2 * perPacket),
              actual: Uint32Array.of(2 * perPacket),
              statuses: Uint8Array.of(isOk ? statusCodes.ok : statusCodes.crc),
              data: new Uint8Array(2 * perPacket),
              compacted: true,
              timestamp: 0,
            });
          });
          const good = packets.filter(({ isOk }) => isOk).length * perPacket;
          const missing = Math.floor((bad * sampleRate * frameDuration) / 1_000_000);
          let end = 0;
          let lostTotal = 0;
          let delivered = 0;
          from(all)
            .pipe(pcmBlocks({ sampleRate, channels: 1, bits: 16, frameDuration }, { lost }))
            .subscribe((block) => {
              expect(block.firstFrame).toBe(end + (lost === "silence" ? 0 : block.lost));
              end = block.firstFrame + block.frames;
              lostTotal += block.lost;
              delivered += lost === "silence" ? block.frames - block.lost : block.frames;
            });
          expect({ delivered, lostTotal, end }).toStrictEqual({
            delivered: good,
            lostTotal: missing,
            end: good + missing,
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each<[string, object, object, IsochErrorCode, string]>([
    ["no rate", { sampleRate: 0 }, {}, "invalid-number", "sampleRate"],
    ["no channels", { channels: 0 }, {}, "invalid-number", "channels"],
    ["half a bit", { bits: 0.5 }, {}, "invalid-number", "bits"],
    ["bits that do not fit", { bits: 24, subslotSize: 2 }, {}, "invalid-number", "subslotSize"],
    ["another kind", { kind: "dsd" }, {}, "invalid-option", "kind"],
    ["another policy", {}, { lost: "guess" }, "invalid-option", "lost"],
  ])("refuses, at the call: %s", (_, format, options, code, part) => {
    expect(thrown(() => pcmBlocks({ ...mono, ...format }, options as PcmBlocksOptions))).toStrictEqual(
      failure("InvalidRequestError", code, part),
    );
  });
});

describe("PcmBlock", () => {
  async function block(format: Partial<PcmFormat>, bytes: readonly number[]): Promise<PcmBlock> {
    const data = Uint8Array.from(bytes);
    return lastValueFrom(
      of(
        new IsochResults({
          firstFrame: 0,
          requested: Uint32Array.of(data.length),
          actual: Uint32Array.of(data.length),
          statuses: new Uint8Array(1),
          data,
          compacted: true,
          timestamp: 0,
        }),
      ).pipe(pcmBlocks({ ...mono, ...format })),
    );
  }

  it("shows 16-bit samples without a copy where they stand on even bytes", async () => {
    const samples = await block({}, [0x34, 0x12, 0xff, 0xff]);
    const view = samples.int16();
    expect([...view]).toStrictEqual([0x1234, -1]);
    expect(view.buffer).toBe(samples.data.buffer);
    const odd = new PcmBlock({
      format: samples.format,
      firstFrame: 0,
      lost: 0,
      timestamp: 0,
      data: Uint8Array.of(0, 0x34, 0x12).subarray(1),
    });
    expect([...odd.int16()]).toStrictEqual([0x1234]);
  });

  it("refuses to show others so", async () => {
    const samples = await block({ bits: 24 }, [1, 2, 3]);
    expect(thrown(() => samples.int16())).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "3 bytes", "float32()"),
    );
  });

  it.each<[string, Partial<PcmFormat>, readonly number[], readonly number[]]>([
    ["16 bits", {}, [0, 0x40, 0, 0x80], [0.5, -1]],
    ["8 bits, signed", { bits: 8 }, [0x40, 0x80], [0.5, -1]],
    ["8 bits, unsigned", { bits: 8, kind: "pcm8" }, [0x80, 0x00, 0xc0], [0, -1, 0.5]],
    ["24 bits in 3 bytes", { bits: 24 }, [0, 0, 0x40, 0, 0, 0x80], [0.5, -1]],
    ["24 bits in 4 bytes", { bits: 24, subslotSize: 4 }, [0, 0, 0, 0x40, 0, 0, 0, 0x80], [0.5, -1]],
    ["20 bits in 3 bytes", { bits: 20, subslotSize: 3 }, [0, 0, 0xc0], [-0.5]],
    ["float", { bits: 32, kind: "float" }, [0, 0, 0x40, 0xbf], [-0.75]],
  ])("computes what samples are from -1 to 1: %s", async (_, format, bytes, expected) => {
    expect([...(await block(format, bytes)).float32()]).toStrictEqual(expected);
  });
});
