import fc from "fast-check";
import { lastValueFrom, take, toArray } from "rxjs";
import { beforeAll, describe, expect, it } from "vitest";
import { IsochError, isochEndpoints, isochPipe, type DeviceEvent } from "rx-isoch";
import { replay } from "rx-isoch/transports/replay";
import { counterDevice, counterProtocol, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { CaptureReader } from "../../../transports/replay/format/capture-reader.js";
import { joined } from "../../../src/joined.js";
import { handMadeBlock, handMadePcap, transferAt } from "./hand-made.js";
import { record } from "./support.js";

const seeds: Uint8Array[] = [];

beforeAll(async () => {
  const bus = new VirtualBus({ clock: unpacedClock() });
  bus.attach(counterDevice({ speed: "full" }));
  seeds.push((await record(bus, counterProtocol.inEndpoint, 4, { frames: 3, queue: 2, frameLength: 16 })).bytes);
  seeds.push(handMadePcap([...transferAt(1, 0, 4, 100), ...transferAt(2, 4, 4, 104)]));
  const big = { littleEndian: false, headerSize: 48 } as const;
  seeds.push(handMadePcap([...transferAt(1, 0, 4, 0, {}, big), ...transferAt(2, 4, 4, 0, {}, big)], big, true));
});

/** One of the captures with bytes changed, some cut out, and some put in. */
const mutated = fc
  .record({
    seed: fc.nat(),
    changes: fc.array(
      fc.record({ at: fc.nat(), value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)) }),
      {
        maxLength: 12,
      },
    ),
    cut: fc.option(fc.record({ at: fc.nat(), length: fc.nat(100) })),
    end: fc.option(fc.nat()),
  })
  .map(({ seed, changes, cut, end }) => {
    let bytes = Uint8Array.from(seeds[seed % seeds.length] ?? []);
    for (const { at, value } of changes) bytes[at % bytes.length] = value;
    if (cut !== null) {
      const at = cut.at % bytes.length;
      bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + cut.length)]);
    }
    return end === null ? bytes : bytes.subarray(0, end % (bytes.length + 1));
  });

/** What comes of a capture: its devices, and a stream of each endpoint; errors of ours are fine. */
async function playAll(bytes: Uint8Array): Promise<void> {
  const transport = replay(bytes, { pace: "fast" });
  const devices: DeviceEvent[] = [];
  let failure: unknown;
  transport.devices().subscribe({
    next: (event) => devices.push(event),
    error: (error: unknown) => (failure = error),
  });
  expectOurs(failure);
  for (const { device } of devices.slice(0, 3)) {
    const [configuration] = device.configurations;
    for (const { endpoint, alternate } of configuration === undefined
      ? []
      : isochEndpoints(configuration).slice(0, 2)) {
      if (endpoint.direction === "out") continue;
      const selector = { id: device.id, endpoint: endpoint.address, alternate: alternate.alternateSetting };
      const stream = isochPipe(transport, selector).results({ frames: 4, frameLength: 1 }).pipe(take(50), toArray());
      try {
        let next: number | undefined;
        for (const { firstFrame, lost, served } of await lastValueFrom(stream)) {
          expect(firstFrame - lost).toBe(next ?? firstFrame - lost);
          next = firstFrame + served;
        }
      } catch (error) {
        expectOurs(error);
      }
    }
  }
}

function expectOurs(error: unknown): void {
  if (error !== undefined && !IsochError.is(error)) throw new Error("not one of ours", { cause: error });
}

describe("captures from anywhere", () => {
  it("random bytes are no capture, and nothing worse", async () => {
    const magics = [
      [0x0a, 0x0d, 0x0d, 0x0a],
      [0xd4, 0xc3, 0xb2, 0xa1],
      [0xa1, 0xb2, 0xc3, 0xd4],
    ];
    const bytes = fc
      .tuple(fc.constantFrom([], ...magics), fc.uint8Array({ maxLength: 300 }))
      .map(([magic, rest]) => Uint8Array.from([...magic, ...rest]));
    await fc.assert(fc.asyncProperty(bytes, playAll), { numRuns: 500 });
  });

  it("damaged captures bring what they can, or an error of ours", async () => {
    await fc.assert(fc.asyncProperty(mutated, playAll), { numRuns: 400 });
  });

  it("come to the same in chunks of any size", () => {
    const packets = (chunks: readonly Uint8Array[]) => {
      const reader = new CaptureReader();
      const found: string[] = [];
      try {
        for (const chunk of chunks) {
          for (const { position, data, time } of reader.push(chunk))
            found.push(`${position} ${data.join()} ${time ?? ""}`);
        }
      } catch (error) {
        expectOurs(error);
        found.push(String(error));
      }
      return found;
    };
    fc.assert(
      fc.property(mutated, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (bytes, sizes) => {
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(packets(chunks)).toStrictEqual(packets([bytes]));
      }),
      { numRuns: 200 },
    );
  });

  it("a block that says it is huge is refused before it is waited for, and one of no known kind is passed over", () => {
    const bytes = Uint8Array.from(seeds[0] ?? []);
    const view = new DataView(bytes.buffer);
    const second = view.getUint32(4, true);
    view.setUint32(second + 4, 2 ** 27, true);
    expect(() => [...new CaptureReader().push(bytes)]).toThrow(new RegExp(`at byte ${second}: a block of`));
    view.setUint32(second, 0xbad, true);
    const reader = new CaptureReader();
    expect([...reader.push(bytes)]).toStrictEqual([]);
    expect(reader.pending).toBe(bytes.length - second);
  });

  it("cut off at any byte: what is whole before it, and how much is left of what is not", async () => {
    const [recording = new Uint8Array(0), ...others] = seeds;
    const unknown = handMadeBlock(0xbad, new Uint8Array(40));
    const failures: unknown[] = [];
    for (const bytes of [joined([recording, unknown, unknown]), ...others]) {
      const blocks = blocksOf(bytes);
      expect(blocks.at(-1)?.end).toBe(bytes.length);
      for (let length = 0; length <= bytes.length; length++) {
        const cutOff = bytes.subarray(0, length);
        const whole = blocks.filter(({ end }) => end <= length);
        const left = length - (whole.at(-1)?.end ?? 0);
        const reader = new CaptureReader();
        const positions = Array.from(reader.push(cutOff), ({ position }) => position);
        expect([length, reader.pending, positions]).toStrictEqual([
          length,
          left,
          whole.filter(({ isPacket }) => isPacket).map(({ start }) => start),
        ]);
        const rest = await lastValueFrom(replay(cutOff).summary()).then(
          (summary) => summary.rest,
          (error: unknown) => failures.push(error) && left,
        );
        expect(rest).toBe(left);
      }
    }
    failures.forEach(expectOurs);
    expect(failures.length).toBeGreaterThan(0);
  });
});

/** What stands in a capture, by the book: of pcapng in the byte order of this machine, of pcap in either. */
function blocksOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isPcapng = view.getUint32(0, true) === 0x0a0d0d0a;
  const little = isPcapng || [0xa1b2c3d4, 0xa1b23c4d].includes(view.getUint32(0, true));
  const blocks = isPcapng ? [] : [{ start: 0, end: 24, isPacket: false }];
  for (let start = blocks.at(-1)?.end ?? 0; start < bytes.length;) {
    const length = isPcapng ? view.getUint32(start + 4, true) : 16 + view.getUint32(start + 8, little);
    blocks.push({ start, end: start + length, isPacket: !isPcapng || view.getUint32(start, true) === 6 });
    start += length;
  }
  return blocks;
}
