import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compactInPlace } from "../../src/results.js";
import {
  IsochResults,
  statusCodes,
  type FrameResult,
  type FrameStatus,
  type IsochResultsInit,
} from "../../src/index.js";
import { failure, thrown } from "../support/plain-error.js";

interface Frame {
  readonly requested: number;
  readonly actual: number;
  readonly status: FrameStatus;
}

/** Results whose bytes count up from 1, each frame at the sum of the lengths before it. */
function strided(frames: readonly Frame[], init: Partial<IsochResultsInit> = {}): IsochResults {
  const data = new Uint8Array(frames.reduce((sum, { requested }) => sum + requested, 0));
  let offset = 0;
  let value = 0;
  for (const { requested, actual } of frames) {
    for (let i = 0; i < actual; i++) data[offset + i] = ++value;
    offset += requested;
  }
  return new IsochResults({
    firstFrame: 100,
    requested: Uint32Array.from(frames, ({ requested }) => requested),
    actual: Uint32Array.from(frames, ({ actual }) => actual),
    statuses: Uint8Array.from(frames, ({ status }) => statusCodes[status]),
    data,
    compacted: false,
    timestamp: 5000,
    ...init,
  });
}

const ok = (requested: number, actual = requested): Frame => ({ requested, actual, status: "ok" });
const bytesOf = (frame: FrameResult) => [...frame.data];

const anyFrame = fc
  .record({
    requested: fc.nat({ max: 6 }),
    short: fc.nat({ max: 6 }),
    status: fc.constantFrom<FrameStatus>("ok", "crc", "not-accessed", "not-complete", "lost"),
  })
  .map(({ requested, short, status }) => ({ requested, actual: Math.max(0, requested - short), status }));

describe("IsochResults", () => {
  it("makes a FrameResult of each frame, numbered from the first", () => {
    const results = strided([ok(3), ok(4, 1), { requested: 2, actual: 0, status: "crc" }, ok(2)]);
    expect([...results].map((frame) => ({ ...frame, data: bytesOf(frame) }))).toStrictEqual([
      { frame: 100, status: "ok", requested: 3, actual: 3, data: [1, 2, 3] },
      { frame: 101, status: "ok", requested: 4, actual: 1, data: [4] },
      { frame: 102, status: "crc", requested: 2, actual: 0, data: [] },
      { frame: 103, status: "ok", requested: 2, actual: 2, data: [5, 6] },
    ]);
    expect(results).toMatchObject({ length: 4, served: 4, lost: 0, bytesTransferred: 6, error: "isoch" });
  });

  it("gives the frame at an index in any order, as the iteration does", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.boolean(), (frames, isCompacted) => {
        const results = isCompacted ? strided(frames).compact() : strided(frames);
        const all = [...results];
        for (let i = all.length - 1; i >= 0; i--) expect(results.frame(i)).toStrictEqual(all[i]);
      }),
    );
  });

  it("gives views into its data, not copies", () => {
    const results = strided([ok(2), ok(2, 1), ok(2)]);
    expect(results.frame(2).data.buffer).toBe(results.data.buffer);
  });

  it("is ok where every status is, isoch where one is not, and what it was told where it was told", () => {
    expect(strided([ok(1), ok(1, 0)]).error).toBe("ok");
    expect(strided([ok(1), { ...ok(1), status: "stall" }]).error).toBe("isoch");
    expect(strided([ok(1)], { error: "cancelled" }).error).toBe("cancelled");
    expect(strided([]).error).toBe("ok");
  });

  it("has served all frames but the not-complete ones at the end", () => {
    const cut = { requested: 2, actual: 0, status: "not-complete" } as const;
    expect(strided([ok(2), cut, cut]).served).toBe(1);
    expect(strided([cut, ok(2), cut]).served).toBe(2);
    expect(strided([cut, cut]).served).toBe(0);
    expect(strided([]).served).toBe(0);
    expect([...strided([ok(2), cut])].map(({ status }) => status)).toStrictEqual(["ok", "not-complete"]);
  });

  it.each([[0], [1]])("has no frame at an index outside it (%d frames)", (count) => {
    const results = strided(Array.from({ length: count }, () => ok(1)));
    for (const index of [-1, count, 0.5, Number.NaN, Infinity, 1e300, 2 ** 53, "0", null] as number[]) {
      expect(thrown(() => results.frame(index))).toStrictEqual(
        failure("InvalidRequestError", "invalid-number", "index"),
      );
    }
  });

  it("compacts to the same frames, contiguous, in exactly the bytes that moved", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), (frames) => {
        const results = strided(frames, { lost: 7, nativeStatuses: Int32Array.from(frames, (_, i) => -i) });
        const compacted = results.compact();
        expect(compacted.compacted).toBe(true);
        expect([...compacted.data]).toStrictEqual(Array.from({ length: results.bytesTransferred }, (_, i) => i + 1));
        expect([...compacted]).toStrictEqual([...results]);
        const { firstFrame, lost, length, served, error, timestamp, bytesTransferred, nativeStatuses } = results;
        expect(compacted).toMatchObject({ firstFrame, lost, length, served, error, timestamp, bytesTransferred });
        expect(compacted.nativeStatuses).toStrictEqual(nativeStatuses);
      }),
    );
  });

  it("is itself where it is compacted already, also by itself because only the end came short", () => {
    const results = strided([ok(2), ok(4, 1), ok(2)]);
    expect(results.compacted).toBe(false);
    const compacted = results.compact();
    expect(compacted).not.toBe(results);
    expect(compacted.compact()).toBe(compacted);

    const full = strided([ok(2), ok(4, 3), ok(2, 0)]);
    expect(full.compacted).toBe(true);
    expect([...full.data]).toStrictEqual([1, 2, 3, 4, 5]);
    expect(full.compact()).toBe(full);
  });

  it("compacts without touching the bytes it came from", () => {
    const results = strided([ok(2, 1), ok(2)]);
    const before = [...results.data];
    results.compact().data.fill(0);
    expect([...results.data]).toStrictEqual(before);
  });

  it("copies itself into a buffer of its own", () => {
    const results = strided([ok(2), ok(2)]);
    const copy = results.copied();
    expect([...copy]).toStrictEqual([...results]);
    expect(copy.data.buffer).not.toBe(results.data.buffer);
    expect(copy.data.buffer.byteLength).toBe(4);
  });

  it("changes the number of lost frames and nothing else", () => {
    const results = strided([ok(2, 1), { ...ok(2), status: "crc" }], { lost: 1, error: "cancelled" });
    const changed = results.withLost(5);
    expect(changed.lost).toBe(5);
    expect(results.lost).toBe(1);
    expect([...changed]).toStrictEqual([...results]);
    expect(changed).toMatchObject({ firstFrame: 100, error: "cancelled", timestamp: 5000, compacted: false });
  });
});

describe("IsochResults.emitTo", () => {
  const emitted = (results: IsochResults, isFirst = false): FrameResult[] => {
    const frames: FrameResult[] = [];
    results.emitTo({ closed: false, next: (frame) => frames.push(frame) }, isFirst);
    return frames;
  };

  it("sends the frames that had their turn", () => {
    const cut = { requested: 2, actual: 0, status: "not-complete" } as const;
    expect(emitted(strided([ok(2), ok(2, 1), cut])).map(({ frame }) => frame)).toStrictEqual([100, 101]);
  });

  it("stops as soon as the subscriber has enough", () => {
    const sent: number[] = [];
    const subscriber = {
      closed: false,
      next: ({ frame }: FrameResult) => {
        sent.push(frame);
        subscriber.closed = sent.length === 2;
      },
    };
    strided([ok(1), ok(1), ok(1)]).emitTo(subscriber, false);
    expect(sent).toStrictEqual([100, 101]);
  });

  it("shows a loss with no frame behind it by its last frame", () => {
    expect(emitted(strided([], { firstFrame: 100, lost: 8 }))).toStrictEqual([
      { frame: 99, status: "lost", requested: 0, actual: 0, data: new Uint8Array(0) },
    ]);
    expect(emitted(strided([]))).toStrictEqual([]);
    expect(emitted(strided([ok(1)], { lost: 8 })).map(({ frame }) => frame)).toStrictEqual([100]);
  });
});

describe("IsochResults.emitTo at the beginning of a stream", () => {
  const emitted = (results: IsochResults): string[] => {
    const frames: string[] = [];
    const next = ({ frame, status }: FrameResult) => frames.push(`${frame} ${status}`);
    results.emitTo({ closed: false, next }, true);
    return frames;
  };

  it("shows a loss before the first frame by its first frame", () => {
    expect(emitted(strided([ok(1)], { firstFrame: 100, lost: 8 }))).toStrictEqual(["92 lost", "100 ok"]);
    expect(emitted(strided([ok(1)], { firstFrame: 100, lost: 0 }))).toStrictEqual(["100 ok"]);
  });

  it("shows both ends of a loss that is all there is, and one frame once", () => {
    expect(emitted(strided([], { firstFrame: 100, lost: 8 }))).toStrictEqual(["92 lost", "99 lost"]);
    expect(emitted(strided([], { firstFrame: 100, lost: 1 }))).toStrictEqual(["99 lost"]);
  });
});

describe("compactInPlace", () => {
  it("moves the bytes to the front of their buffer, as compacting into another does", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), (frames) => {
        const results = strided(frames);
        const expected = results.compact();
        const { data, requested, actual } = strided(frames, { compacted: false });
        const buffer = new Uint8Array(requested.reduce((sum, length) => sum + length, 0));
        buffer.set(data);
        compactInPlace(buffer, requested, actual);
        expect([...buffer.subarray(0, expected.data.length)]).toStrictEqual([...expected.data]);
      }),
    );
  });
});
