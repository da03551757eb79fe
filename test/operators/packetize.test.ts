import { Readable } from "node:stream";
import fc from "fast-check";
import { from, lastValueFrom, map, of, Subject, take, toArray } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { close, issue, packetize, type ByteSource, type PacketizeOptions } from "../../operators/index.js";
import { isochPipe, type IsochErrorCode, type IsochRequest, type RequestSource } from "../../src/index.js";
import { unpacedClock, VirtualBus } from "../../transports/virtual/index.js";
import { expectClean, marbleLab, outPipe } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { ObservedDevice } from "../support/observed-device.js";
import { outcome } from "../support/outcome.js";
import { failure, plain, plainErrors, thrown } from "../support/plain-error.js";
import { standardCases } from "../support/standard-cases.js";

const mono8 = { sampleRate: 44_100, sampleSize: 1 } as const;

/** Bytes that count up, so that an order can be seen. */
function counting(length: number, from_ = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => from_ + i);
}

/** The same bytes in pieces of these lengths, over and over. */
function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let i = 0, taken = 0; taken < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    yield bytes.subarray(taken, taken + length);
    taken += length;
  }
}

function inWords(request: IsochRequest) {
  return { lengths: lengthsOf(request), bytes: [...(request.buffer ?? [])] };
}

/** Takes every request, as `issue` does: pushed or pulled, in order. */
async function taken(sources: readonly RequestSource[]): Promise<IsochRequest[]> {
  const requests: IsochRequest[] = [];
  for (const each of sources) {
    if ("lengths" in each) requests.push(each);
    else for await (const request of each) requests.push(request);
  }
  return requests;
}

/** What becomes of these bytes. */
async function requestsOf(options: PacketizeOptions, ...sources: readonly ByteSource[]): Promise<IsochRequest[]> {
  return taken(await lastValueFrom(from(sources).pipe(packetize(options), toArray())));
}

/** The length of each frame. */
function lengthsOf({ lengths }: IsochRequest): readonly number[] {
  return typeof lengths === "number" ? [lengths] : Array.from(lengths);
}

describe("packetize", () => {
  standardCases<ByteSource, RequestSource>(() => ({
    operator: packetize({ frameLength: 2, frames: 1 }),
    value: () => counting(2),
  }));

  it(
    "cuts what is pushed into requests, whatever its pieces, and what is left into a last one",
    marbles((m) => {
      const source = m.hot("    -a-b-c-d----|   ", {
        a: counting(5),
        b: counting(0),
        c: counting(13, 5),
        d: counting(1, 18),
      });
      const subs = "            ^-----------!   ";
      const expected = "        -----(xy)---(z|)";
      const result = source.pipe(
        packetize({ frameLength: 3, frames: 3 }),
        map((request) => inWords(request as IsochRequest)),
      );

      m.expect(result).toBeObservable(expected, {
        x: { lengths: [3, 3, 3], bytes: [...counting(9)] },
        y: { lengths: [3, 3, 3], bytes: [...counting(9, 9)] },
        z: { lengths: [1], bytes: [18] },
      });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it("leaves nothing over where the bytes come out even", async () => {
    const requests = await requestsOf({ frameLength: 4, frames: 2 }, counting(16));
    expect(requests.map(inWords)).toStrictEqual([
      { lengths: [4, 4], bytes: [...counting(8)] },
      { lengths: [4, 4], bytes: [...counting(8, 8)] },
    ]);
  });

  it("makes the last request in as many frames as it takes", async () => {
    const requests = await requestsOf({ frameLength: 4 }, counting(10));
    expect(requests.map(inWords)).toStrictEqual([{ lengths: [4, 4, 2], bytes: [...counting(10)] }]);
  });

  it("has eight frames in a request unless told otherwise", async () => {
    const [first] = await requestsOf({ frameLength: 1 }, counting(100));
    expect(first?.lengths).toHaveLength(8);
  });

  it("makes requests of a large piece only while they are taken", () => {
    const large = counting(100);
    const cuts = vi.spyOn(large, "subarray");
    of(large)
      .pipe(packetize({ frameLength: 10, frames: 1 }), take(2))
      .subscribe();
    expect(cuts).toHaveBeenCalledTimes(2);
  });

  it("copies what is pushed: the pieces are the sender's again at once", async () => {
    const piece = Buffer.of(1, 2, 3);
    const pushed: RequestSource[] = [];
    const source = new Subject<ByteSource>();
    source.pipe(packetize({ frameLength: 1, frames: 2 })).subscribe((each) => pushed.push(each));

    source.next(piece);
    piece.fill(0);
    // From here on, everything is pulled, and pulled later.
    source.next([Uint8Array.of(4)]);
    piece.set([5, 6, 7]);
    source.next(piece);
    piece.fill(0);
    source.complete();

    expect((await taken(pushed)).map((each) => inWords(each).bytes)).toStrictEqual([[1, 2], [3, 4], [5, 6], [7]]);
  });

  describe("at a rate", () => {
    const lengths = async (options: PacketizeOptions, bytes: number) =>
      (await requestsOf(options, new Uint8Array(bytes))).flatMap(lengthsOf);

    it("makes nine frames of 44 samples and one of 45, over and over, at 44.1 kHz", async () => {
      const ten = [44, 44, 44, 44, 44, 44, 44, 44, 44, 45];
      expect(await lengths({ ...mono8, frames: 10 }, 3 * 441)).toStrictEqual([...ten, ...ten, ...ten]);
    });

    it("keeps the rate across requests, not only within one", async () => {
      const ten = [44, 44, 44, 44, 44, 44, 44, 44, 44, 45];
      expect(await lengths({ ...mono8, frames: 3 }, 441)).toStrictEqual(ten);
    });

    it("keeps samples whole: 16-bit stereo", async () => {
      const ten = [176, 176, 176, 176, 176, 176, 176, 176, 176, 180];
      expect(await lengths({ sampleRate: 44_100, sampleSize: 4 }, 4 * 441)).toStrictEqual(ten);
    });

    it("divides evenly where the rate does", async () => {
      expect(await lengths({ sampleRate: 48_000, sampleSize: 4 }, 3 * 192)).toStrictEqual([192, 192, 192]);
    });

    it("counts in microframes at high speed", async () => {
      const options = { sampleRate: 44_100, sampleSize: 1, frameDuration: 125, frames: 40 };
      const ten = await lengths(options, 441);
      // 5.5125 samples in 125 µs, 441 in 80 of those.
      expect(ten.slice(0, 6)).toStrictEqual([5, 6, 5, 6, 5, 6]);
      expect(ten).toHaveLength(80);
      expect(new Set(ten)).toStrictEqual(new Set([5, 6]));
    });

    it("leaves frames empty where fewer samples than frames are due", async () => {
      const options = { sampleRate: 6000, sampleSize: 2, frameDuration: 125, frames: 4 };
      expect(await lengths(options, 10)).toStrictEqual([0, 2, 2, 2, 0, 2, 2]);
    });

    it("makes requests of nothing but empty frames while no sample is due", async () => {
      const options = { sampleRate: 1000, sampleSize: 2, frameDuration: 125, frames: 3 };
      const requests = await requestsOf(options, counting(4));
      expect(requests.map(inWords)).toStrictEqual([
        { lengths: [0, 0, 0], bytes: [] },
        { lengths: [0, 0, 0], bytes: [] },
        { lengths: [0, 2, 0], bytes: [0, 1] },
        { lengths: [0, 0, 0], bytes: [] },
        { lengths: [0, 0, 0], bytes: [] },
        { lengths: [2, 0, 0], bytes: [2, 3] },
      ]);
    });

    it("is exact in the long run, and every byte comes through in order, however cut, pushed or pulled", async () => {
      let requestCount = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            sampleRate: fc.integer({ min: 2000, max: 192_000 }),
            sampleSize: fc.integer({ min: 1, max: 12 }),
            frameDuration: fc.constantFrom(125, 250, 1000, 2000),
            frames: fc.integer({ min: 1, max: 20 }),
          }),
          fc.nat({ max: 5000 }),
          fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
          fc.constantFrom("pushed", "pulled", "pulled asynchronously", "mixed"),
          async (options, length, sizes, how) => {
            const { sampleRate, sampleSize, frameDuration, frames } = options;
            const bytes = counting(length);
            const pieces = [...cut(bytes, sizes)];
            const sources: Record<typeof how, readonly ByteSource[]> = {
              pushed: pieces,
              pulled: [pieces],
              "pulled asynchronously": [Readable.from(pieces) as AsyncIterable<Uint8Array>],
              mixed: [...pieces.slice(0, 1), pieces.slice(1, 2), ...pieces.slice(2)],
            };
            const requests = await requestsOf(options, ...sources[how]);

            const sent = Buffer.concat(requests.map(({ buffer }) => buffer ?? new Uint8Array(0)));
            expect(sent.equals(bytes)).toBe(true);
            const full = requests.slice(0, -1);
            requestCount += full.length;
            let total = 0;
            const totals = full.flatMap(lengthsOf).map((each) => (total += each));
            expect(totals).toHaveLength(full.length * frames);
            expect(totals).toStrictEqual(
              totals.map((_, i) => Math.floor((sampleRate * frameDuration * (i + 1)) / 1_000_000) * sampleSize),
            );
          },
        ),
        { numRuns: 200 },
      );
      expect(requestCount).toBeGreaterThan(200);
    });
  });

  describe("refuses, at the call", () => {
    it.each<[string, object, string, string]>([
      ["frames of no length", { frameLength: 0 }, "invalid-number", "frameLength"],
      ["half a byte", { frameLength: 1.5 }, "invalid-number", "frameLength"],
      ["requests of no frames", { frameLength: 1, frames: 0 }, "invalid-number", "frames"],
      ["no samples", { sampleRate: 0, sampleSize: 1 }, "invalid-number", "sampleRate"],
      ["no rate", { sampleSize: 1 }, "invalid-number", "sampleRate"],
      ["samples of no size", { sampleRate: 8000, sampleSize: 0 }, "invalid-number", "sampleSize"],
      ["frames shorter than any", { ...mono8, frameDuration: 124 }, "invalid-number", "frameDuration"],
      ["too many bytes", { frameLength: 65_536, frames: 16_385 }, "invalid-number", "16385 frames of 65536 bytes"],
      [
        "too many bytes, at a rate",
        { sampleRate: 16_384_001, sampleSize: 1024, frames: 64 },
        "invalid-number",
        "64 frames of 16778240 bytes",
      ],
    ])("%s", (_, options, code, part) => {
      expect(thrown(() => packetize(options as PacketizeOptions))).toStrictEqual(
        failure("InvalidRequestError", code as IsochErrorCode, part),
      );
    });

    it("and takes what is just within", () => {
      expect(() => packetize({ frameLength: 65_536, frames: 16_384 })).not.toThrow();
      expect(() => packetize({ sampleRate: 16_384_000, sampleSize: 1024, frames: 64 })).not.toThrow();
      expect(() => packetize({ sampleRate: 8000, sampleSize: 1, frameDuration: 125 })).not.toThrow();
    });
  });

  describe("refuses what are no bytes, down the stream", () => {
    const noBytes = (what: string) => failure("InvalidRequestError", "invalid-option", "Uint8Arrays", what);

    it.each([
      ["a number", 7, "7"],
      ["a string", "bytes", "bytes"],
      ["nothing", null, "null"],
      ["an object", {}, "object"],
    ])("%s", (_, value, what) => {
      marbles((m) => {
        const source = m.hot("    -a-", { a: value as unknown as ByteSource });
        const subs = "            ^!";
        const expected = "        -#";

        m.expect(source.pipe(packetize({ frameLength: 1 }), plainErrors())).toBeObservable(expected, {}, noBytes(what));
        m.expect(source).toHaveSubscriptions(subs);
      })();
    });

    it.each([
      ["an array of numbers", [1, 2, 3], "1"],
      ["other typed arrays", [Uint16Array.of(1)], "1"],
      ["a Readable of strings", Readable.from(["text"]), "text"],
    ])("%s, when it is pulled", async (_, value, what) => {
      const pulled = requestsOf({ frameLength: 1 }, value as unknown as ByteSource);
      expect(plain(await pulled.catch((error: unknown) => error))).toStrictEqual(noBytes(what));
    });
  });

  describe("with issue", () => {
    it(
      "pulls pieces only as the bus takes requests",
      marbles((m) => {
        const lab = marbleLab(m);
        let pulls = 0;
        function* pieces(): Generator<Uint8Array> {
          for (let i = 0; i < 4; i++) {
            pulls++;
            yield counting(88);
          }
        }
        const seen: number[] = [];
        for (const frame of [1, 3, 5]) lab.at(frame, () => seen.push(pulls));
        const expected = "        --a-b-c-(d|)";
        const pipe = isochPipe(lab.transport, outPipe);

        m.expect(
          of(pieces()).pipe(packetize({ ...mono8, frames: 2 }), issue(pipe, { queue: 2 }), close(), map(outcome)),
        ).toBeObservable(expected, {
          a: "0: 2 of 2 ok",
          b: "2: 2 of 2 ok",
          c: "4: 2 of 2 ok",
          d: "6: 2 of 2 ok",
        });
        lab.finish();
        expect(seen).toStrictEqual([2, 3, 4]);
        expect(lab.device.sent.map(({ length }) => length)).toStrictEqual([44, 44, 44, 44, 44, 44, 44, 44]);
      }),
    );

    it("puts empty packets on the bus where fewer samples than frames are due", async () => {
      const device = new ObservedDevice();
      const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
      const options = { sampleRate: 400, sampleSize: 4, frames: 3 };
      const results = await lastValueFrom(
        of([counting(12)]).pipe(packetize(options), issue(isochPipe(bus, outPipe)), close(), toArray()),
      );
      expect(device.sent.map(({ length }) => length)).toStrictEqual([0, 0, 4, 0, 4, 0, 0, 4, 0]);
      expect(results.map(({ error, served }) => [error, served])).toStrictEqual(Array.from(results, () => ["ok", 3]));
    });

    it("plays a Node Readable to its last byte, and destroys it when nobody wants more", async () => {
      const device = new ObservedDevice();
      const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
      const pipe = isochPipe(bus, outPipe);
      const play = (readable: Readable) =>
        of(readable as AsyncIterable<Uint8Array>).pipe(packetize(mono8), issue(pipe), close());

      const whole = Readable.from([Buffer.alloc(1000), Buffer.alloc(101)]);
      await lastValueFrom(play(whole));
      expect(device.sent.reduce((sum, { length }) => sum + length, 0)).toBe(1101);

      const endless = Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(500);
        })(),
      );
      await lastValueFrom(play(endless).pipe(take(3)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(endless.destroyed).toBe(true);
      expectClean(bus);
    });
  });
});
