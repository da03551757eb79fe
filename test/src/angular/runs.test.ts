import { map, tap, type Observer } from "rxjs";
import { describe, expect, it } from "vitest";
import { Runs } from "../../../src/angular/runs.js";

function followed(runs: Runs<number>, tag: string, log: string[]) {
  return runs.each(map((value) => `${tag}${value}`)).subscribe({
    next: (value) => log.push(value),
    complete: () => log.push(`${tag} is over`),
  });
}

describe("Runs", () => {
  it("an operator begins with each, and takes the rest of the one that goes on", () => {
    const runs = new Runs<number>();
    const log: string[] = [];
    followed(runs, "a", log);
    const first = runs.begin();
    first.next(1);
    followed(runs, "b", log);
    first.next(2);
    runs.end(first);
    first.next(3);
    const second = runs.begin();
    second.next(4);
    expect(log).toStrictEqual(["a1", "a2", "b2", "a4", "b4"]);
  });

  it("one that is begun by who hears of another takes its place", () => {
    const runs = new Runs<number>();
    const log: string[] = [];
    const restarted: Observer<number>[] = [];
    let isFirst = true;
    const restart = () => {
      if (!isFirst) return;
      isFirst = false;
      restarted.push(runs.begin());
    };
    runs.each(tap({ subscribe: restart })).subscribe();
    runs.end(runs.begin());
    followed(runs, "a", log);
    restarted[0]?.next(1);
    expect(log).toStrictEqual(["a1"]);
  });

  it("complete when there will be no other, with the last of them", () => {
    const runs = new Runs<number>();
    const log: string[] = [];
    followed(runs, "a", log);
    const run = runs.begin();
    runs.complete();
    run.next(1);
    runs.end(run);
    expect(log).toStrictEqual(["a1", "a is over"]);
  });
});
