import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FeedbackDecoder } from "../../../../src/class/uac/index.js";

const fixed = 65_536;

function bytes(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(Math.round(value) / 256 ** i) % 256);
}

function samples(decoder: FeedbackDecoder, packet: Uint8Array): number | undefined {
  const value = decoder.decode(packet);
  return value === undefined ? undefined : value / fixed;
}

describe("FeedbackDecoder", () => {
  it.each<[what: string, speed: "full" | "high", sampleRate: number, packet: number[], samples: number]>([
    ["10.14 at full speed: 44.1", "full", 44_100, [0x66, 0x06, 0x0b], 0x0b0666 / 2 ** 14],
    ["10.14 at full speed: 48", "full", 48_000, [0x00, 0x00, 0x0c], 48],
    ["16.16 at high speed: 5.5125", "high", 44_100, [0x33, 0x83, 0x05, 0x00], 0x058333 / fixed],
    ["10.14 in four bytes at full speed", "full", 48_000, [0x00, 0x00, 0x0c, 0x00], 48],
    ["16.16 in four bytes at full speed", "full", 48_000, [0x00, 0x00, 0x30, 0x00], 48],
    ["10.14 in three bytes at high speed", "high", 48_000, [0x00, 0x80, 0x01], 6],
    ["16.16 in three bytes at high speed", "high", 48_000, [0x00, 0x00, 0x06], 6],
    ["samples per millisecond at high speed", "high", 48_000, [0x00, 0x00, 0x30, 0x00], 6],
    ["the upper four bits mean nothing", "high", 48_000, [0x00, 0x00, 0x06, 0xf0], 6],
  ])("%s", (_, speed, sampleRate, packet, expected) => {
    expect(samples(new FeedbackDecoder({ sampleRate, speed }), Uint8Array.from(packet))).toBe(expected);
  });

  it("takes nothing from a packet without a value", () => {
    const decoder = new FeedbackDecoder({ sampleRate: 48_000, speed: "full" });
    for (const packet of [[], [1], [1, 2], [0, 0, 0], [0, 0, 0, 0]]) {
      expect(decoder.decode(Uint8Array.from(packet))).toBeUndefined();
    }
    expect(decoder.rejected).toBe(0);
  });

  it("rejects what is more than an eighth off, and then looks for the binary point anew", () => {
    const decoder = new FeedbackDecoder({ sampleRate: 48_000, speed: "full" });
    const at = (value: number, format: number) => samples(decoder, bytes(value * 2 ** format, 4));
    expect(at(48, 14)).toBe(48);
    expect(at(54, 14)).toBe(54);
    expect(at(42, 14)).toBe(42);
    expect(at(54.1, 14)).toBeUndefined();
    expect(at(48, 16)).toBe(48);
    // Where the point is was known: what would be another format is out of range.
    expect(at(48, 14)).toBeUndefined();
    expect(at(41.9, 16)).toBeUndefined();
    expect(decoder.rejected).toBe(3);
  });

  it("finds the rate in every format, whatever the rate", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8000, max: 384_000 }),
        fc.constantFrom("full" as const, "high" as const),
        fc.integer({ min: 12, max: 17 }),
        fc.double({ min: -0.12, max: 0.12, noNaN: true }),
        (sampleRate, speed, format, off) => {
          const wanted = (sampleRate / (speed === "full" ? 1000 : 8000)) * (1 + off);
          const raw = Math.round(wanted * 2 ** format);
          fc.pre(raw < 2 ** 28);
          const decoder = new FeedbackDecoder({ sampleRate, speed });
          expect(samples(decoder, bytes(raw, 4))).toBe(raw / 2 ** format);
        },
      ),
    );
  });

  it("never says what is out of range, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 20 }), (packets) => {
        const decoder = new FeedbackDecoder({ sampleRate: 44_100, speed: "high" });
        for (const packet of packets) {
          const value = samples(decoder, packet);
          if (value !== undefined) expect(Math.abs(value / 5.5125 - 1)).toBeLessThanOrEqual(0.125);
        }
      }),
    );
  });
});
