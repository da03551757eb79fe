import { describe, expect, it } from "vitest";
import {
  VideoFrameAssembler,
  type AssemblerOptions,
  type VideoFrame,
  type VideoStatistics,
} from "../../../../src/class/uvc/index.js";
import { failure, thrown } from "../../../support/plain-error.js";
import { eof, err, fid, payload, still, timed, transfer, type UvcPacket } from "./packets.js";

/** A picture of 8 bytes. */
const raw: AssemblerOptions = { format: "yuy2", width: 2, height: 2 };
const jpeg: AssemblerOptions = { format: "mjpeg", width: 2, height: 2, maxFrameSize: 10 };
const soi = [0xff, 0xd8] as const;
const first = [1, 2, 3, 4] as const;
const second = [5, 6, 7, 8] as const;
const none = { damagedPackets: 0, lostFrames: 0, deviceErrors: 0, oversizeBytes: 0, missingBytes: 0, garbage: 0 };
const failed: UvcPacket = { status: "crc", bytes: payload(0, 9, 9) };

/** A picture in two packets: FID as given, EOF on the second. */
const picture = (id: number): number[][] => [payload(id, ...first), payload(id | eof, ...second)];

/** What comes of a transfer from bus frame 0, then of the end of the stream. */
function assemble(options: AssemblerOptions, packets: readonly UvcPacket[]) {
  const assembler = new VideoFrameAssembler(options);
  const frames = [...assembler.push(transfer(0, packets)), ...assembler.flush()];
  return { frames, statistics: assembler.statistics, counted: counted(assembler.statistics) };
}

/** Those of the counts that are not zero. */
function counted(statistics: VideoStatistics): Partial<VideoStatistics> {
  return Object.fromEntries(Object.entries(statistics).filter(([, count]) => count !== 0));
}

const bytes = (frames: readonly VideoFrame[]) => frames.map(({ data }) => [...data]);
const flaws = (frames: readonly VideoFrame[]) =>
  frames.map((frame) => Object.fromEntries(Object.entries(frame.flaws).filter(([, count]) => count !== 0)));

describe("VideoFrameAssembler", () => {
  it("gives whole frames with their bytes, times and places on the bus", () => {
    const assembler = new VideoFrameAssembler(raw);
    const packets = [timed(0, 77, ...first), [], timed(eof, 77, ...second), timed(fid, 99, ...first)];

    const [frame, ...others] = assembler.push(transfer(1000, packets, { timestamp: 5000 }));

    expect(others).toStrictEqual([]);
    expect(frame).toStrictEqual({
      format: "yuy2",
      width: 2,
      height: 2,
      data: Uint8Array.of(...first, ...second),
      status: "complete",
      flaws: none,
      firstFrame: 1000,
      lastFrame: 1002,
      pts: 77,
      scr: { time: 1077, busFrame: 0x234 },
      timestamp: 4500,
      sequence: 0,
      repeated: false,
      still: false,
    });
    expect(assembler.push(transfer(1004, [timed(fid | eof, 99, ...second)]))).toMatchObject([
      { firstFrame: 1003, lastFrame: 1004, pts: 99, sequence: 1, status: "complete" },
    ]);
  });

  it("gives each receiver bytes of its own", () => {
    const assembler = new VideoFrameAssembler(raw);
    const packets = [...picture(0), ...picture(fid)];
    const [one, other] = assembler.push(transfer(0, packets));
    one?.data.fill(0);
    expect([...(other?.data ?? [])]).toStrictEqual([...first, ...second]);
    const [third] = assembler.push(transfer(4, picture(0)));
    expect([...(third?.data ?? [])]).toStrictEqual([...first, ...second]);
  });

  it.each([true, false])("reads data that is contiguous as data that is strided (%s)", (compacted) => {
    const assembler = new VideoFrameAssembler({ ...raw, incomplete: "emit" });
    const [begin, end] = [payload(0, ...first), payload(eof, ...second)];
    const results = transfer(0, [begin, [], failed, payload(0), end, ...picture(fid), []]);
    expect(bytes(assembler.push(compacted ? results.compact() : results))).toStrictEqual([
      [...first, ...second],
      [...first, ...second],
    ]);
  });

  it("counts what had its turn on the bus only", () => {
    const packets: UvcPacket[] = [...picture(0), { status: "not-complete", bytes: [] }];
    expect(assemble(raw, packets).counted).toStrictEqual({ complete: 1, packets: 2, bytes: 8 });
  });

  describe("ends of frames", () => {
    it("toggle without EOF", () => {
      const packets = [0, fid, 0].flatMap((id) => [payload(id, ...first), payload(id, ...second)]);
      const { frames, counted } = assemble(raw, packets);
      expect(frames.map(({ status }) => status)).toStrictEqual(["complete", "complete", "complete"]);
      expect(counted).toStrictEqual({ complete: 3, packets: 6, bytes: 24, missingEnds: 2 });
    });

    it("EOF without toggle", () => {
      const { frames, counted } = assemble(raw, [...picture(0), ...picture(0), ...picture(0)]);
      expect(frames.map(({ sequence }) => sequence)).toStrictEqual([0, 1, 2]);
      expect(counted).toStrictEqual({ complete: 3, packets: 6, bytes: 24, missingToggles: 2 });
    });

    it("EOF in a payload of its own, sent again and again", () => {
      const packets = [payload(0, ...first), payload(0, ...second), payload(eof), payload(eof), payload(0)];
      const { frames, counted } = assemble(raw, packets);
      expect(bytes(frames)).toStrictEqual([[...first, ...second]]);
      expect(counted).toStrictEqual({ complete: 1, packets: 5, emptyPayloads: 3, bytes: 8 });
    });

    it("empty packets and empty payloads begin and end nothing", () => {
      const packets = [[], payload(fid), payload(0), ...picture(0), [], payload(fid), payload(0), ...picture(fid)];
      const { frames, counted } = assemble(raw, packets);
      expect(frames.map(({ firstFrame, lastFrame }) => [firstFrame, lastFrame])).toStrictEqual([
        [3, 4],
        [8, 9],
      ]);
      expect(counted).toMatchObject({ complete: 2, emptyPackets: 2, emptyPayloads: 4 });
    });

    it("another PTS behind a loss, where FID toggled twice", () => {
      const packets: UvcPacket[] = [...picture(fid), timed(0, 10, ...first), failed, timed(0, 30, ...first)];
      const { frames, counted } = assemble({ ...raw, incomplete: "emit" }, packets);
      expect(flaws(frames)).toStrictEqual([{}, { damagedPackets: 1, missingBytes: 4 }]);
      expect(counted).toMatchObject({ missingEnds: 1, missingToggles: 1, partial: 1 });
    });

    it("no other PTS where nothing was lost", () => {
      const { frames } = assemble(raw, [timed(0, 10, ...first), timed(eof, 20, ...second)]);
      expect(frames).toMatchObject([{ status: "complete", pts: 10 }]);
    });
  });

  describe("the first frame", () => {
    it("is given up where it had begun before", () => {
      const { frames, counted } = assemble(raw, [payload(eof, ...second), ...picture(fid)]);
      expect(frames).toMatchObject([{ firstFrame: 1, sequence: 0 }]);
      expect(counted).toStrictEqual({ complete: 1, partial: 1, packets: 3, bytes: 12, discardedBytes: 4 });
    });

    it("is given up under the policy emit, too", () => {
      const { frames } = assemble({ ...raw, incomplete: "emit" }, [payload(eof, ...second), ...picture(fid)]);
      expect(frames).toMatchObject([{ firstFrame: 1, status: "complete" }]);
    });

    it("of MJPEG shows its beginning", () => {
      const { frames } = assemble(jpeg, [payload(eof, ...soi, 1)]);
      expect(bytes(frames)).toStrictEqual([[...soi, 1]]);
    });

    it.each(["h264", "h265"] as const)("of %s shows its beginning: without it no decoder begins", (format) => {
      for (const begin of [
        [0, 0, 1, 9],
        [0, 0, 0, 1, 9],
      ]) {
        expect(bytes(assemble({ ...jpeg, format }, [payload(eof, ...begin)]).frames)).toStrictEqual([begin]);
      }
      expect(assemble({ ...jpeg, format }, [payload(eof, 0, 0, 2)]).counted).toMatchObject({ partial: 1 });
    });

    it("of an unknown format shows nothing", () => {
      const { frames, counted } = assemble({ ...jpeg, format: "unknown" }, [payload(eof, 1), payload(fid | eof, 2)]);
      expect(bytes(frames)).toStrictEqual([[2]]);
      expect(counted).toMatchObject({ partial: 1, complete: 1 });
    });
  });

  describe("what is missing or wrong", () => {
    const emit = { ...raw, incomplete: "emit" } as const;

    it.each<readonly [string, readonly UvcPacket[], object]>([
      ["a failed packet", [payload(0, ...first), failed, payload(eof, ...second)], { damagedPackets: 1 }],
      ["a failed packet before it", [failed, ...picture(0)], { damagedPackets: 1 }],
      [
        "a lost frame, shown by gaps()",
        [payload(0, ...first), { status: "lost", bytes: [] }, payload(eof, ...second)],
        { lostFrames: 1 },
      ],
      ["a header of length 0", [payload(0, ...first), [0, 0x80, 1], payload(eof, ...second)], { damagedPackets: 1 }],
      ["a header of length 1", [payload(0, ...first), [1, 0x80, 1], payload(eof, ...second)], { damagedPackets: 1 }],
      [
        "a header longer than its packet",
        [payload(0, ...first), [9, 0x80, 1], payload(eof, ...second)],
        { damagedPackets: 1 },
      ],
      ["a packet of one byte", [payload(0, ...first), [2], payload(eof, ...second)], { damagedPackets: 1 }],
      ["an error of the device", [payload(0, ...first), payload(eof | err, ...second)], { deviceErrors: 1 }],
      [
        "an error of the device in an empty payload",
        [payload(0, ...first), payload(err), payload(eof, ...second)],
        { deviceErrors: 1 },
      ],
      ["too many bytes", [payload(0, ...first), payload(eof, ...second, 9, 9)], { oversizeBytes: 2 }],
      ["too few bytes", [payload(eof, ...first)], { missingBytes: 4 }],
    ])("%s flags the frame, and the next one is whole", (_, packets, expected) => {
      const { frames, statistics } = assemble(emit, [...picture(fid), ...packets, ...picture(fid)]);
      expect(frames.map(({ status }) => status)).toStrictEqual(["complete", "incomplete", "complete"]);
      expect(flaws(frames)).toStrictEqual([{}, expected, {}]);
      expect(frames[1]?.data.length).toBeLessThanOrEqual(8);
      expect(statistics).toMatchObject({ complete: 2, incomplete: 1, dropped: 0 });

      const dropping = assemble(raw, [...picture(fid), ...packets, ...picture(fid)]);
      expect(dropping.frames.map(({ sequence }) => sequence)).toStrictEqual([0, 2]);
      expect(dropping.statistics).toMatchObject({ complete: 2, incomplete: 1, dropped: 1 });
    });

    it("drops unless told otherwise", () => {
      expect(assemble(raw, [...picture(0), payload(fid | eof, 1)]).counted).toMatchObject({
        dropped: 1,
        discardedBytes: 1,
      });
    });

    it.each([
      ["the raw picture before it, for the one behind it is full", emit, first, [{}, { damagedPackets: 1 }, {}]],
      [
        "the JPEG before it, for the one behind it has its beginning",
        { ...jpeg, incomplete: "emit" } as const,
        [...soi, 3, 4],
        [{}, { damagedPackets: 1 }, {}],
      ],
      [
        "both of another format: nobody knows which it was of",
        { ...jpeg, format: "unknown", incomplete: "emit" } as const,
        first,
        [{ damagedPackets: 1 }, { damagedPackets: 1 }],
      ],
    ])("between two frames without EOF flags %s", (_, options, begin, expected) => {
      const packets = [
        payload(fid, ...begin),
        payload(fid | eof, ...second),
        payload(0, ...begin),
        payload(0, ...second),
        failed,
        payload(fid, ...begin),
        payload(fid | eof, ...second),
      ];
      expect(flaws(assemble(options, packets).frames)).toStrictEqual(expected);
    });

    it("from within a frame into the next flags both, and one that reaches the pause behind it flags the one", () => {
      const from = (...behind: readonly UvcPacket[]) =>
        flaws(assemble(emit, [...picture(fid), payload(0, ...first), failed, ...behind]).frames);
      const short = { damagedPackets: 1, missingBytes: 4 };
      expect(from(payload(fid | eof, ...second), ...picture(0))).toStrictEqual([{}, short, short, {}]);
      expect(from(...picture(fid), ...picture(0))).toStrictEqual([{}, short, {}, {}]);
    });

    it("before the end of a frame, in a payload of its own, flags that frame only", () => {
      const packets = [
        ...picture(fid),
        payload(0, ...first),
        payload(0, ...second),
        failed,
        payload(eof),
        ...picture(fid),
      ];
      expect(flaws(assemble(emit, packets).frames)).toStrictEqual([{}, { damagedPackets: 1 }, {}]);
    });

    it("a loss before a transfer is of the frame that is under way, or of the next", () => {
      const assembler = new VideoFrameAssembler(emit);
      const frames = [
        ...assembler.push(transfer(0, [...picture(fid), payload(0, ...first)])),
        ...assembler.push(transfer(10, [payload(eof, ...second)], { lost: 7 })),
        ...assembler.push(transfer(15, picture(fid), { lost: 4 })),
      ];
      expect(flaws(frames)).toStrictEqual([{}, { lostFrames: 7 }, { lostFrames: 4 }]);
      expect(assembler.statistics.lostFrames).toBe(11);
    });

    it("frames that nobody told of are lost as well", () => {
      const assembler = new VideoFrameAssembler(emit);
      assembler.push(transfer(0, [...picture(fid), payload(0, ...first)]));
      expect(flaws(assembler.push(transfer(8, [payload(eof, ...second)])))).toStrictEqual([{ lostFrames: 5 }]);
    });

    it.each<readonly [string, number, object]>([
      ["of the next frame flags that", 0, { deviceErrors: 1 }],
      ["of the frame that has ended is told too late", fid, {}],
    ])("an error of the device in an empty payload between frames, %s", (_, id, expected) => {
      const { frames, counted } = assemble(emit, [...picture(fid), payload(id | err), ...picture(0), ...picture(fid)]);
      expect(flaws(frames)).toStrictEqual([{}, expected, {}]);
      expect(counted).toMatchObject({ deviceErrors: 1 });
    });

    it("a header too short for its time stamps costs only these", () => {
      const { frames, counted } = assemble(raw, [
        [2, 0x8c, ...first],
        [6, 0x8e, 1, 0, 0, 0, ...second],
      ]);
      expect(frames).toMatchObject([{ status: "complete", pts: 1, scr: undefined }]);
      expect(counted).toMatchObject({ shortHeaders: 2 });
    });

    it("a header that is longer than it has to be costs nothing", () => {
      const { frames } = assemble(raw, [[5, 0x80, 9, 9, 9, ...first], payload(eof, ...second)]);
      expect(bytes(frames)).toStrictEqual([[...first, ...second]]);
    });
  });

  describe("what cameras are known to do", () => {
    it("invalid initial frames, of no bytes or too few, are not passed as pictures (libuvc#182)", () => {
      const packets = [payload(eof), payload(fid | eof, 1, 2, 3), payload(eof, 4), ...picture(fid)];
      const { frames, counted } = assemble(raw, packets);
      expect(frames).toMatchObject([{ status: "complete", firstFrame: 3 }]);
      expect(counted).toStrictEqual({
        complete: 1,
        incomplete: 1,
        dropped: 1,
        partial: 1,
        truncated: 1,
        packets: 5,
        emptyPayloads: 1,
        bytes: 12,
        discardedBytes: 4,
      });
    });

    it("frames with too much data are cut at the committed size, with too little flagged (libuvc#183)", () => {
      const packets = [...picture(0), payload(fid | eof, ...first, ...second, 9), payload(eof, 1)];
      const { frames, counted } = assemble({ ...raw, incomplete: "emit" }, packets);
      expect(frames.map(({ data }) => data.length)).toStrictEqual([8, 8, 1]);
      expect(flaws(frames)).toStrictEqual([{}, { oversizeBytes: 1 }, { missingBytes: 7 }]);
      expect(counted).toMatchObject({ oversize: 1, truncated: 1, discardedBytes: 1 });
    });

    it("a garbage frame, the first or within the first few, takes no more memory than was committed (libuvc#209)", () => {
      const assembler = new VideoFrameAssembler({ ...jpeg, maxFrameSize: 100_000 });
      const noise = Array.from({ length: 1000 }, () => [2, 0x80, ...Array<number>(500).fill(0xa5)]);
      for (let i = 0; i < 10; i++) {
        expect(assembler.push(transfer(1000 * i, noise, {}, 512))).toStrictEqual([]);
        expect(assembler.bufferedBytes).toBeLessThanOrEqual(100_000);
      }
      expect(
        assembler.push(transfer(10_000, [payload(eof), payload(fid | eof, 1, 2), payload(eof, ...soi, 3)])),
      ).toMatchObject([{ status: "complete", data: Uint8Array.of(...soi, 3) }]);
      expect(counted(assembler.statistics)).toMatchObject({
        partial: 1,
        garbage: 1,
        dropped: 1,
        discardedBytes: 5_000_002,
      });
    });

    it("headers whose length lies never take bytes from elsewhere (libuvc#182, #183)", () => {
      const lies = [0, 1, 5, 64, 200, 255].map((length) => [length, 0x80 | eof, 1, 2]);
      const { frames, counted } = assemble(raw, [...lies, ...picture(0)]);
      expect(frames).toStrictEqual([]);
      expect(counted).toMatchObject({ badHeaders: 6, incomplete: 1, dropped: 1 });
    });
  });

  it("tells of a picture that is sent again", () => {
    const packets = [1, 1, 2].map((pts, i) => timed((i % 2) | eof, pts, ...first, ...second));
    const { frames, counted } = assemble(raw, packets);
    expect(frames.map(({ repeated }) => repeated)).toStrictEqual([false, true, false]);
    expect(counted).toMatchObject({ repeated: 1, complete: 3 });
  });

  it("tells of a still image", () => {
    expect(assemble(raw, [payload(0, ...first), payload(eof | still, ...second)]).frames).toMatchObject([
      { still: true },
    ]);
  });

  it("holds frames of MJPEG of any length up to the committed size", () => {
    const assembler = new VideoFrameAssembler({ ...jpeg, maxFrameSize: 1_000_000 });
    const sizes = [10, 300_000, 5, 999_998, 200_000];
    let busFrame = 0;
    for (const [i, size] of sizes.entries()) {
      const body = Array.from({ length: Math.ceil(size / 50_000) }, (_, k) => Math.min(50_000, size - 50_000 * k));
      const packets = body.map((length, k) =>
        payload(i % 2, ...(k === 0 ? soi : []), ...Array<number>(length).fill(i + 1)),
      );
      packets.push(payload((i % 2) | eof));
      const [frame] = assembler.push(transfer(busFrame, packets, {}, 51_000));
      busFrame += packets.length;
      expect(frame?.data.length).toBe(size + 2);
      expect(frame?.data.subarray(2).every((byte) => byte === i + 1)).toBe(true);
    }
  });

  it("begins anew where the frames go back, as after a repeat()", () => {
    const assembler = new VideoFrameAssembler(raw);
    assembler.push(transfer(100, [...picture(0), payload(fid, ...first)]));
    expect(assembler.push(transfer(0, [payload(0, ...second), ...picture(fid)]))).toMatchObject([
      { firstFrame: 1, status: "complete" },
    ]);
    expect(assembler.statistics).toMatchObject({ partial: 2, lostFrames: 0 });
  });

  it("gives up at the end what shows no end", () => {
    expect(assemble(raw, picture(0).slice(0, 1)).counted).toMatchObject({ partial: 1, discardedBytes: 4 });
    expect(assemble(jpeg, [payload(0, ...soi)]).counted).toMatchObject({ partial: 1 });
  });

  it.each<readonly [Partial<AssemblerOptions>, "invalid-number" | "invalid-option", string]>([
    [{ width: 0 }, "invalid-number", "width"],
    [{ height: 65_536 }, "invalid-number", "height"],
    [{ maxFrameSize: 7 }, "invalid-number", "maxFrameSize"],
    [{ maxFrameSize: 2 ** 31 }, "invalid-number", "maxFrameSize"],
    [{ frameDuration: NaN }, "invalid-number", "frameDuration"],
    [{ format: "jpeg" as "mjpeg" }, "invalid-option", "mjpeg"],
    [{ format: "mjpeg" }, "invalid-option", "maxFrameSize"],
    [{ incomplete: "keep" as "emit" }, "invalid-option", "drop, emit"],
  ])("refuses %o", (option, code, part) => {
    expect(thrown(() => new VideoFrameAssembler({ ...raw, ...option }))).toStrictEqual(
      failure("InvalidRequestError", code, part),
    );
  });
});
