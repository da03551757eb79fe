import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parsePayloadHeader,
  VideoFrameAssembler,
  type AssemblerOptions,
  type VideoFrame,
} from "../../../../../src/class/uvc/index.js";
import { IsochResults, statusCodes } from "../../../../../src/index.js";

/** FUZZ_SEED=n repeats a run: fast-check prints the seed of one that failed. */
const given = Number.parseInt(process.env["FUZZ_SEED"] ?? "", 10);
const seed = Number.isNaN(given) ? {} : { seed: given };
/** Payloads in all; `npm run fuzz` has a million. */
const payloads = process.env["npm_lifecycle_event"] === "fuzz" ? 1_000_000 : 40_000;

const requested = 40;
const packetsPerTransfer = 8;
const transfersPerStream = 5;
const streams = Math.ceil(payloads / (packetsPerTransfer * transfersPerStream));

/** One packet: of a camera that behaves, changed by `change`, or noise. */
interface Packet {
  readonly length: number;
  readonly header: number;
  readonly info: number;
  readonly pts: number;
  readonly fill: number;
  readonly status: number;
}

const packet: fc.Arbitrary<Packet> = fc.record({
  length: fc.oneof(fc.constantFrom(0, 1, 2, 12, 30, requested), fc.nat(requested)),
  header: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(2, 12) }, fc.nat(255)),
  info: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0x80, 0x81, 0x82, 0x83, 0x8c, 0x8d, 0x8f) }, fc.nat(255)),
  pts: fc.nat(3),
  fill: fc.constantFrom(0, 1, 0xd8, 0xff),
  status: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    fc.constantFrom(statusCodes.crc, statusCodes.lost, statusCodes["not-complete"], 255),
  ),
});
const transfer = fc.record({
  packets: fc.array(packet, { minLength: packetsPerTransfer, maxLength: packetsPerTransfer }),
  lost: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(20)),
  back: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.nat(30)),
  compact: fc.boolean(),
});
const options: fc.Arbitrary<AssemblerOptions & { readonly maxFrameSize: number }> = fc.record({
  format: fc.constantFrom("mjpeg", "unknown", "h264"),
  width: fc.constant(4),
  height: fc.constant(4),
  maxFrameSize: fc.constantFrom(1, 32, 100, 1000),
  incomplete: fc.constantFrom("drop", "emit"),
});
const rawOptions = fc.record({
  format: fc.constantFrom("yuy2", "nv12"),
  width: fc.nat(7).map((n) => n + 1),
  height: fc.nat(5).map((n) => n + 1),
  maxFrameSize: fc.constant(1000),
  incomplete: fc.constantFrom("drop", "emit"),
});

function write(data: Uint8Array, at: number, { length, header, info, pts, fill }: Packet): void {
  const bytes = [header, info, pts, 0, 0, 0, 9, 9, 9, 9, 1, 0];
  for (let i = 0; i < length; i++) data[at + i] = bytes[i] ?? fill;
}

function resultsOf(packets: readonly Packet[], firstFrame: number, lost: number): IsochResults {
  const data = new Uint8Array(packets.length * requested);
  packets.forEach((each, i) => {
    write(data, i * requested, each);
  });
  return new IsochResults({
    firstFrame,
    lost,
    requested: new Uint32Array(packets.length).fill(requested),
    actual: Uint32Array.from(packets, ({ length }) => length),
    statuses: Uint8Array.from(packets, ({ status }) => status),
    data,
    compacted: false,
    timestamp: 0,
  });
}

/** What the packets have of payload, by the parser that is written for reading. */
function payloadBytes(results: IsochResults): number {
  let sum = 0;
  for (let i = 0; i < results.served; i++) {
    const { status, data, actual } = results.frame(i);
    const header = status === "ok" ? parsePayloadHeader(data) : undefined;
    if (header !== undefined) sum += actual - header.length;
  }
  return sum;
}

function check(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken: ${rule}`);
}

describe(`the assembler under ${payloads} payloads that are random or mutated`, { timeout: 600_000 }, () => {
  it("throws nothing, passes nothing that is broken as complete, and accounts for every byte", () => {
    let emitted = 0;
    let complete = 0;
    fc.assert(
      fc.property(
        fc.oneof(options, rawOptions),
        fc.array(transfer, { minLength: transfersPerStream, maxLength: transfersPerStream }),
        (given, transfers) => {
          const assembler = new VideoFrameAssembler(given);
          const frames: VideoFrame[] = [];
          let next = 0;
          let bytes = 0;
          for (const { packets, lost, back, compact } of transfers) {
            const firstFrame = Math.max(0, next + lost - back);
            const results = resultsOf(packets, firstFrame, lost);
            bytes += payloadBytes(results);
            frames.push(...assembler.push(compact ? results.compact() : results));
            check(assembler.bufferedBytes <= given.maxFrameSize, "memory is bounded by the committed size");
            next = firstFrame + results.served;
          }
          frames.push(...assembler.flush());

          const { statistics } = assembler;
          const delivered = frames.reduce((sum, { data }) => sum + data.length, 0);
          check(statistics.bytes === bytes, "every byte of payload is counted");
          check(delivered + statistics.discardedBytes === bytes, "bytes emitted + bytes discarded = bytes that came");
          check(
            frames.length === statistics.complete + statistics.incomplete - statistics.dropped,
            "frames are counted",
          );
          frames.forEach((frame, i) => {
            const { data, status, flaws, firstFrame, lastFrame, sequence } = frame;
            const isFlawed = Object.values(flaws as unknown as Record<string, number>).some((count) => count > 0);
            check(data.length > 0 && data.length <= given.maxFrameSize, "no frame is above the committed size");
            check((status === "complete") === !isFlawed, "complete is without a flaw");
            check(status === "complete" || given.incomplete === "emit", "the policy holds");
            check(lastFrame >= firstFrame && sequence > (frames[i - 1]?.sequence ?? -1), "frames are in order");
            if (status === "complete") complete++;
          });
          emitted += frames.length;
        },
      ),
      { ...seed, numRuns: streams },
    );
    // Else nothing was tested.
    expect(emitted).toBeGreaterThan(streams / 10);
    expect(complete).toBeGreaterThan(streams / 100);
  });

  it("finds the pictures of a good camera, whatever is done to some of its packets, and no other", () => {
    const fault = fc.record({
      at: fc.nat(packetsPerTransfer * transfersPerStream - 1),
      kind: fc.constantFrom("crc", "lost", "header", "error", "long", "short"),
    });
    // One in a picture at most: a byte too many makes up for one too few.
    const faults = fc.uniqueArray(fault, { maxLength: 4, selector: ({ at }) => at >> 1 });
    let untouched = 0;
    fc.assert(
      fc.property(faults, fc.boolean(), (given, hasEnds) => {
        const { sent, transfers, hit } = goodCamera(given, hasEnds);
        const assembler = new VideoFrameAssembler({ format: "yuy2", width: 4, height: 4 });
        const frames = [...transfers.flatMap((each) => assembler.push(each)), ...assembler.flush()];
        for (const { data, status } of frames) {
          check(status === "complete", "only complete ones come");
          check(new Set(data).size === 1, "no picture is mixed of two");
        }
        const seen = new Set(frames.map(({ data }) => data[0]));
        for (const picture of sent)
          if (!hit.has(picture)) check(seen.has(picture), "a picture that nothing was done to comes");
        for (const picture of hit) check(!seen.has(picture), "a picture that something was done to does not come");
        untouched += frames.length;
      }),
      { ...seed, numRuns: streams },
    );
    expect(untouched).toBeGreaterThan(streams);
  });
});

type Fault = { readonly at: number; readonly kind: "crc" | "lost" | "header" | "error" | "long" | "short" };

/** Pictures of 32 bytes in two packets each, all of them one number. */
function goodCamera(faults: readonly Fault[], hasEnds: boolean) {
  const count = packetsPerTransfer * transfersPerStream;
  const hit = new Set<number>();
  const sent = new Set<number>();
  const packets = Array.from({ length: count }, (_, i) => {
    const picture = 1 + (i >> 1);
    sent.add(picture);
    const isEnd = i % 2 === 1;
    let status: number = statusCodes.ok;
    let bytes = [2, 0x80 | (picture % 2) | (isEnd && hasEnds ? 2 : 0), ...Array<number>(16).fill(picture)];
    for (const { at, kind } of faults) {
      if (at !== i) continue;
      hit.add(picture);
      // Without EOF, the picture before may have had it; the one behind is full, and so has not.
      const vanishes = kind === "crc" || kind === "lost" || kind === "header";
      if (vanishes && !isEnd && !hasEnds) hit.add(picture - 1);
      if (kind === "crc") status = statusCodes.crc;
      else if (kind === "lost") status = statusCodes.lost;
      else if (kind === "header") bytes = [200, ...bytes.slice(1)];
      else if (kind === "error") bytes = [bytes[0] ?? 0, (bytes[1] ?? 0) | 0x40, ...bytes.slice(2)];
      else if (kind === "long") bytes = [...bytes, picture];
      else bytes = bytes.slice(0, -1);
    }
    return { status, bytes: status === statusCodes.lost ? [] : bytes };
  });
  const transfers = Array.from({ length: transfersPerStream }, (_, k) => {
    const own = packets.slice(k * packetsPerTransfer, (k + 1) * packetsPerTransfer);
    const data = new Uint8Array(own.length * requested);
    own.forEach(({ bytes }, i) => {
      data.set(bytes, i * requested);
    });
    return new IsochResults({
      firstFrame: k * packetsPerTransfer,
      requested: new Uint32Array(own.length).fill(requested),
      actual: Uint32Array.from(own, ({ bytes }) => bytes.length),
      statuses: Uint8Array.from(own, ({ status }) => status),
      data,
      compacted: false,
      timestamp: 0,
    });
  });
  return { sent, hit, transfers };
}
