import { defer, EMPTY, tap, throwError, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceError, TransportError } from "../../src/index.js";
import { runAll, settled } from "../../src/teardown.js";
import { marbles } from "../support/marbles.js";
import { failure, plainErrors } from "../support/plain-error.js";

const gone = new DeviceError("device-gone", "it is gone");
const first = new TransportError("transport-failed", "the first");
const second = new TransportError("transport-failed", "the second");

describe("runAll", () => {
  it(
    "runs each step when the one before is done",
    marbles((m) => {
      const one = m.cold<never>("  ---|");
      const two = m.cold<never>("     --|");
      const oneSubs = "            ^--!";
      const twoSubs = "            ---^-!";
      const expected = "           -----|";
      m.expect(runAll(one, two)).toBeObservable(expected);
      m.expect(one).toHaveSubscriptions(oneSubs);
      m.expect(two).toHaveSubscriptions(twoSubs);
    }),
  );

  it(
    "runs every step, whatever fails, and errors at the end with the first failure",
    marbles((m) => {
      const one = m.cold<never>("  --#", {}, first);
      const two = m.cold<never>("    --#", {}, second);
      const three = m.cold<never>("    --|");
      const threeSubs = "          ----^-!";
      const expected = "           ------#";
      m.expect(runAll(one, two, three).pipe(plainErrors())).toBeObservable(
        expected,
        {},
        failure("TransportError", "transport-failed", "the first"),
      );
      m.expect(three).toHaveSubscriptions(threeSubs);
    }),
  );

  it("takes a device that is gone for no failure", () => {
    const events: string[] = [];
    const step = (name: string, then: Observable<never> = EMPTY) =>
      defer(() => {
        events.push(name);
        return then;
      });
    runAll(
      step(
        "release",
        throwError(() => gone),
      ),
      step("close"),
    ).subscribe({ error: () => events.push("error"), complete: () => events.push("complete") });
    expect(events).toStrictEqual(["release", "close", "complete"]);
  });

  it("passes on an error that is none of ours, and undefined", () => {
    for (const cause of [new RangeError("native"), undefined]) {
      const errors: unknown[] = [];
      runAll(throwError(() => cause)).subscribe({ error: (error: unknown) => errors.push(error) });
      expect(errors).toStrictEqual([cause]);
    }
  });

  it("does nothing before it is subscribed to, and completes without steps", () => {
    let runs = 0;
    const all = runAll(EMPTY.pipe(tap({ subscribe: () => runs++ })));
    expect(runs).toBe(0);
    let isComplete = false;
    all.subscribe();
    all.subscribe();
    expect(runs).toBe(2);
    runAll().subscribe({ complete: () => (isComplete = true) });
    expect(isComplete).toBe(true);
  });
});

describe("settled", () => {
  it(
    "completes where the source completes or errors",
    marbles((m) => {
      m.expect(settled(m.cold<never>("--|"))).toBeObservable("--|");
      m.expect(settled(m.cold<never>("--#"))).toBeObservable("--|");
    }),
  );
});
