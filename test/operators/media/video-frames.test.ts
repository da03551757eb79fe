import { concat, map, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { videoFrames, type VideoFramesOptions } from "../../../operators/media/index.js";
import type { VideoFrame, VideoStatistics } from "../../../src/class/uvc/index.js";
import { marbles } from "../../support/marbles.js";
import { failure, plain, thrown } from "../../support/plain-error.js";
import { standardCases } from "../../support/standard-cases.js";
import { eof, fid, payload, transfer } from "../../src/class/uvc/packets.js";

/** A picture of 4 bytes. */
const options: VideoFramesOptions = { format: "yuy2", width: 2, height: 1 };
const picture = (id: number, value: number) => payload(id | eof, value, value, value, value);
const firstByte = map(({ data }: VideoFrame) => data[0]);

describe("videoFrames", () => {
  standardCases(() => {
    let busFrame = 0;
    return { operator: videoFrames(options), value: () => transfer(busFrame++, [picture(busFrame % 2, 1)]) };
  });

  it(
    "emits each picture with the transfer in which it ended",
    marbles((m) => {
      const source = m.hot("-a---b-c-|", {
        a: transfer(0, [picture(0, 1), picture(fid, 2), payload(0, 3, 3)]),
        b: transfer(3, [[], payload(0)]),
        c: transfer(5, [payload(eof, 3, 3)]),
      });
      const subs = "        ^--------!";
      const expected = "    -(xy)--z-|";

      m.expect(source.pipe(videoFrames(options), firstByte)).toBeObservable(expected, { x: 1, y: 2, z: 3 });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it.each(["drop", "emit"] as const)("leaves a picture with a loss to the policy %s", (incomplete) => {
    marbles((m) => {
      const source = m.hot("-a--b--c-|", {
        a: transfer(0, [picture(0, 1)]),
        b: transfer(7, [picture(fid, 2)], { lost: 6 }),
        c: transfer(8, [picture(0, 3)]),
      });
      const expected = incomplete === "emit" ? "-a--b--c-|" : "-a-----c-|";
      const shown = map(({ status, flaws, sequence }: VideoFrame) => `${sequence} ${status} ${flaws.lostFrames}`);

      m.expect(source.pipe(videoFrames({ ...options, incomplete }), shown)).toBeObservable(expected, {
        a: "0 complete 0",
        b: "1 incomplete 6",
        c: "2 complete 0",
      });
    })();
  });

  it(
    "gives a picture that is whole before the end, though no end of it was seen",
    marbles((m) => {
      const whole = transfer(0, [payload(0, 1, 1, 1, 1)]);
      const part = transfer(0, [payload(0, 1, 1, 1)]);
      m.expect(m.cold("-a-|", { a: whole }).pipe(videoFrames(options), firstByte)).toBeObservable("---(x|)", { x: 1 });
      m.expect(m.cold("-a-#", { a: whole }).pipe(videoFrames(options), firstByte)).toBeObservable("---(x#)", { x: 1 });
      m.expect(m.cold("-a-|", { a: part }).pipe(videoFrames(options), firstByte)).toBeObservable("---|");
    }),
  );

  it("hands over the statistics of each subscription", () => {
    const all: VideoStatistics[] = [];
    const frames = of(transfer(0, [picture(0, 1)]), transfer(9, [picture(fid, 1)], { lost: 8 })).pipe(
      videoFrames({ ...options, statistics: (statistics) => all.push(statistics) }),
    );
    expect(all).toStrictEqual([]);
    frames.subscribe();
    frames.subscribe();
    expect(all).toHaveLength(2);
    expect(all).toMatchObject(Array(2).fill({ complete: 1, incomplete: 1, dropped: 1, lostFrames: 8 }));
  });

  it("refuses options that cannot be, at the call", () => {
    expect(thrown(() => videoFrames({ ...options, width: 0 }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "width"),
    );
  });

  it("passes what a consumer throws on as an error", () => {
    const errors: unknown[] = [];
    concat(
      of(transfer(0, [picture(0, 1)])),
      throwError(() => new Error("later")),
    )
      .pipe(
        videoFrames({
          ...options,
          statistics: () => {
            throw new Error("mine");
          },
        }),
      )
      .subscribe({ error: (error: unknown) => errors.push(plain(error)) });
    expect(errors).toMatchObject([{ message: "Error: mine" }]);
  });
});
