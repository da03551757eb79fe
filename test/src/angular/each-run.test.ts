import { describe, expect, it } from "vitest";
import { testInjector } from "./test-injector.js";
import { concat, NEVER, of, pipe, scan, Subject, throwError } from "rxjs";
import { isochStream } from "../../../src/angular/index.js";
import { isochPipe, type FrameResult, type IsochResults } from "../../../src/index.js";
import { frames, gaps, throughput } from "../../../operators/index.js";
import { results } from "../../support/hand-made.js";
import { inPipe, marbleLab } from "../../support/marble-lab.js";
import { marbles } from "../../support/marbles.js";

const one = (firstFrame: number) => results(firstFrame, [[1]]);
const count = () => scan((sum: number, _: IsochResults) => sum + 1, 0);

describe("eachRun", () => {
  it("begins the operator anew with each start, and completes it with each end", () => {
    const source = new Subject<IsochResults>();
    const stream = testInjector().run(() => isochStream(() => source));
    const seen: unknown[] = [];
    stream.eachRun((run) => concat(run.pipe(count()), of("over"))).subscribe((value) => seen.push(value));
    expect(seen).toStrictEqual([]);
    for (let i = 0; i < 2; i++) {
      stream.start();
      source.next(one(0));
      source.next(one(1));
      stream.stop();
    }
    expect(seen).toStrictEqual([1, 2, "over", 1, 2, "over"]);
  });

  it("begins anew with a restart, and is over where the source completes", () => {
    const again = new Subject<void>();
    const sources = [
      concat(
        of(one(0)),
        throwError(() => new Error("gone")),
      ),
      of(one(0), one(1)),
    ];
    const stream = testInjector().run(() => isochStream(() => sources.shift() ?? NEVER, { restart: () => again }));
    const seen: unknown[] = [];
    stream.eachRun((run) => concat(run.pipe(count()), of("over"))).subscribe((value) => seen.push(value));
    stream.start();
    expect(seen).toStrictEqual([1, "over"]);
    again.next();
    return expect.poll(() => seen).toStrictEqual([1, "over", 1, 2, "over"]);
  });

  it("is hot: who comes late takes the rest of the run, and who comes between runs the next", () => {
    const source = new Subject<IsochResults>();
    const stream = testInjector().run(() => isochStream(() => source));
    stream.start();
    source.next(one(0));
    const late: number[] = [];
    stream.eachRun((run) => run).subscribe(({ firstFrame }) => late.push(firstFrame));
    source.next(one(1));
    stream.stop();
    const between: unknown[] = [];
    stream.eachRun((run) => concat(run, of("over"))).subscribe((value) => between.push(value));
    expect([late, between]).toStrictEqual([[1], []]);
    stream.start();
    source.next(one(2));
    expect(late).toStrictEqual([1, 2]);
    expect(between).toHaveLength(1);
  });

  it("errors where the operator does, which ends nothing else, and completes with the injector", () => {
    const source = new Subject<IsochResults>();
    const { run, destroy } = testInjector();
    const stream = run(() => isochStream(() => source));
    const told: string[] = [];
    stream
      .eachRun(() => throwError(() => new Error("reason")))
      .subscribe({ error: (error: unknown) => told.push(String(error)) });
    stream.eachRun((results) => results).subscribe({ complete: () => told.push("complete") });
    stream.start();
    source.next(one(0));
    expect([told, stream.state()]).toStrictEqual([["Error: reason"], "streaming"]);
    destroy();
    expect(told).toStrictEqual(["Error: reason", "complete"]);
  });

  it.each(["stop", "destroy"] as const)("an operator that has a run %s as it begins: nothing is opened", (how) => {
    const source = new Subject<IsochResults>();
    const { run, destroy } = testInjector();
    const stream = run(() => isochStream(() => source));
    const told: string[] = [];
    stream
      .eachRun((run) => {
        if (how === "stop") stream.stop();
        else destroy();
        return concat(run, of("over"));
      })
      .subscribe((value) => told.push(typeof value === "string" ? value : "results"));
    stream.start();
    expect([source.observed, stream.state()]).toStrictEqual([false, "idle"]);
    source.next(one(0));
    expect([told, stream.totals().frames]).toStrictEqual([how === "stop" ? ["over"] : [], 0]);
  });

  it("an operator that starts the stream anew as a run begins: one of the two is opened", () => {
    const sources: Subject<IsochResults>[] = [];
    const stream = testInjector().run(() =>
      isochStream(() => {
        const source = new Subject<IsochResults>();
        sources.push(source);
        return source;
      }),
    );
    let runs = 0;
    stream
      .eachRun((run) => {
        if (++runs === 1) {
          stream.stop();
          stream.start();
        }
        return run;
      })
      .subscribe();
    stream.start();
    expect([sources.map(({ observed }) => observed), stream.state(), runs]).toStrictEqual([[true], "opening", 2]);
    stream.stop();
    expect([sources[0]?.observed, stream.state()]).toStrictEqual([false, "idle"]);
  });

  it(
    "of frames and gaps: what the bus had while the stream was stopped is no loss of it",
    marbles((m) => {
      const lab = marbleLab(m);
      const stream = testInjector().run(() =>
        isochStream(() => isochPipe(lab.transport, inPipe), { stream: { frames: 2, queue: 2 } }),
      );
      const lost = { eachRun: 0, results: 0, throughput: 0 };
      const count = (of: "eachRun" | "results") => ({
        next: ({ status }: FrameResult) => {
          if (status === "lost") lost[of]++;
        },
      });
      stream.eachRun(pipe(frames(), gaps())).subscribe(count("eachRun"));
      stream.results.pipe(frames(), gaps()).subscribe(count("results"));
      const rates = throughput({ window: 10, scheduler: m.scheduler });
      stream.eachRun(pipe(frames(), rates)).subscribe((rate) => (lost.throughput += rate.lost));
      stream.start();
      lab.at(20, () => stream.stop());
      lab.at(60, () => stream.start());
      lab.at(80, () => stream.stop());
      lab.finish();
      expect(stream.totals().lost).toBe(0);
      expect(lost.eachRun).toBe(0);
      expect(lost.throughput).toBe(0);
      // What the documents warn of.
      expect(lost.results).toBeGreaterThan(30);
    }),
  );

  it(
    "of throughput: nothing is measured, and so nothing rendered, while the stream is idle",
    marbles((m) => {
      const lab = marbleLab(m);
      const stream = testInjector().run(() => isochStream(() => isochPipe(lab.transport, inPipe)));
      const at: number[] = [];
      stream.eachRun(throughput({ window: 10, scheduler: m.scheduler })).subscribe(() => at.push(m.scheduler.now()));
      lab.at(100, () => stream.start());
      lab.at(125, () => stream.stop());
      // The virtual time ends, which it would not with a timer that goes on.
      lab.finish();
      expect(at.every((time) => time >= 110 && time <= 125)).toBe(true);
      expect(at.length).toBeGreaterThanOrEqual(2);
    }),
  );
});
