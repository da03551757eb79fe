import { VideoFrameAssembler } from "../../src/class/uvc/index.js";
import { IsochResults } from "../../src/index.js";
import { distribution, seconds, type Distribution } from "./measure.js";

const width = 640;
const height = 480;
const pictureBytes = 2 * width * height;
const packetLength = 3072;
const headerLength = 12;
const packetsPerTransfer = 64;
/** Pictures in a round, as a camera sends them at high speed: each in packets that are full but for the last. */
const pictures = 32;
const rounds = 41;

function transfers(): IsochResults[] {
  const packets: { readonly length: number; readonly info: number }[] = [];
  for (let picture = 0; picture < pictures; picture++) {
    for (let left = pictureBytes; left > 0; left -= packetLength - headerLength) {
      const length = Math.min(packetLength, left + headerLength);
      packets.push({ length, info: 0x8c | (picture % 2) | (length < packetLength ? 2 : 0) });
    }
  }
  return Array.from({ length: Math.ceil(packets.length / packetsPerTransfer) }, (_, i) => {
    const own = packets.slice(i * packetsPerTransfer, (i + 1) * packetsPerTransfer);
    const data = new Uint8Array(own.length * packetLength);
    own.forEach(({ info }, k) => {
      data.set([headerLength, info, i & 0xff], k * packetLength);
    });
    const results = new IsochResults({
      firstFrame: i * packetsPerTransfer,
      requested: new Uint32Array(own.length).fill(packetLength),
      actual: Uint32Array.from(own, ({ length }) => length),
      statuses: new Uint8Array(own.length),
      data,
      compacted: false,
      timestamp: 0,
    });
    return results.compact();
  });
}

/** What one writes by hand: it looks at status, header and FID, and copies each payload into its picture. */
function plainLoop(all: readonly IsochResults[]): number {
  let picture = new Uint8Array(pictureBytes);
  let filled = 0;
  let frameId = -1;
  let isDamaged = false;
  let complete = 0;
  for (const { actual, statuses, data } of all) {
    for (let i = 0, offset = 0; i < actual.length; offset += actual[i] ?? 0, i++) {
      const length = actual[i] ?? 0;
      if (statuses[i] !== 0) {
        isDamaged = true;
        continue;
      }
      const header = data[offset] ?? 0;
      if (length === 0 || header < 2 || header > length) continue;
      const info = data[offset + 1] ?? 0;
      if ((info & 1) !== frameId) {
        frameId = info & 1;
        filled = 0;
        isDamaged = false;
      }
      const bytes = Math.min(length - header, pictureBytes - filled);
      picture.set(data.subarray(offset + header, offset + header + bytes), filled);
      filled += bytes;
      if ((info & 2) !== 0) {
        if (!isDamaged && filled === pictureBytes) complete++;
        picture = new Uint8Array(pictureBytes);
      }
    }
  }
  return complete;
}

function assembled(all: readonly IsochResults[]): number {
  const assembler = new VideoFrameAssembler({ format: "yuy2", width, height });
  let complete = 0;
  for (const results of all)
    for (const { status } of assembler.push(results)) complete += Number(status === "complete");
  return complete;
}

/** The assembler beside a loop by hand, over the same results: the time of the one by that of the other. */
export function measureVideo(): { readonly pictures: Distribution; readonly ratio: Distribution } {
  const all = transfers();
  const run = (work: (results: readonly IsochResults[]) => number) =>
    seconds(() => {
      const complete = work(all);
      if (complete !== pictures) throw new Error(`${complete} complete pictures, not ${pictures}`);
    });
  for (let i = 0; i < 5; i++) run(i % 2 === 0 ? plainLoop : assembled);
  const plain: number[] = [];
  const own: number[] = [];
  for (let round = 0; round < rounds; round++) {
    plain.push(run(plainLoop));
    own.push(run(assembled));
  }
  return {
    pictures: distribution(own.map((time) => pictures / time)),
    ratio: distribution(own.map((time, round) => time / (plain[round] ?? NaN))),
  };
}
