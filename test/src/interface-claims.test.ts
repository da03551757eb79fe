import { concat, defer, EMPTY, ignoreElements, timer, type Observable } from "rxjs";
import type { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { InterfaceClaims } from "../../src/interface-claims.js";
import { BusyError, type TransportDevice } from "../../src/index.js";
import { marbles } from "../support/marbles.js";
import { failure, plainErrors } from "../support/plain-error.js";

/** A device whose steps take two frames each; `log` says on which frame each is done. */
function laboratory(scheduler: TestScheduler, failures: Readonly<Record<string, Error>> = {}) {
  const log: string[] = [];
  const step = (name: string): Observable<never> =>
    concat(
      timer(2, scheduler).pipe(ignoreElements()),
      defer(() => {
        log.push(`${name} @${scheduler.now()}`);
        const error = failures[name];
        if (error !== undefined) throw error;
        return EMPTY;
      }),
    );
  const device: Pick<TransportDevice, "claimInterface" | "releaseInterface"> = {
    claimInterface: (number) => step(`claim ${number}`),
    releaseInterface: (number) => step(`release ${number}`),
  };
  const claims = new InterfaceClaims(device as TransportDevice);
  const at = (frame: number, act: () => Observable<never>) => {
    scheduler.schedule(() => act().subscribe({ error: () => undefined }), frame);
  };
  return { log, claims, at };
}

describe("InterfaceClaims", () => {
  it(
    "claim for the first, and release after the last",
    marbles((m) => {
      const { log, claims, at } = laboratory(m.scheduler);
      m.expect(claims.hold(1)).toBeObservable("--|");
      m.expect(claims.claimInterface(1)).toBeObservable("--|");
      at(10, () => claims.releaseHeld());
      at(20, () => claims.releaseInterface(1));
      m.flush();
      expect(log).toStrictEqual(["claim 1 @2", "release 1 @22"]);
    }),
  );

  it(
    "hold an interface once, however often it is asked for",
    marbles((m) => {
      const { log, claims, at } = laboratory(m.scheduler);
      m.expect(concat(claims.hold(1), claims.hold(1))).toBeObservable("--|");
      at(10, () => claims.releaseHeld());
      at(20, () => claims.releaseHeld());
      m.flush();
      expect(log).toStrictEqual(["claim 1 @2", "release 1 @12"]);
    }),
  );

  it(
    "release what is held in the other order, one after the other",
    marbles((m) => {
      const { log, claims, at } = laboratory(m.scheduler);
      at(0, () => concat(claims.hold(0), claims.hold(1)));
      at(10, () => claims.releaseHeld());
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "claim 1 @4", "release 1 @12", "release 0 @14"]);
    }),
  );

  it(
    "release what is still being claimed once it is",
    marbles((m) => {
      const { log, claims, at } = laboratory(m.scheduler);
      at(0, () => claims.hold(0));
      at(1, () => claims.releaseHeld());
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "release 0 @4"]);
    }),
  );

  it(
    "wait for a release that has begun",
    marbles((m) => {
      const { log, claims, at } = laboratory(m.scheduler);
      at(0, () => claims.claimInterface(0));
      at(5, () => claims.releaseInterface(0));
      at(6, () => claims.hold(0));
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "release 0 @7", "claim 0 @9"]);
    }),
  );

  it(
    "hold nothing that could not be claimed, and can try again",
    marbles((m) => {
      const busy = new BusyError("interface-busy", "somebody has it");
      const failures: Record<string, Error> = { "claim 0": busy };
      const { log, claims, at } = laboratory(m.scheduler, failures);
      m.expect(claims.hold(0).pipe(plainErrors())).toBeObservable(
        "--#",
        {},
        failure("BusyError", "interface-busy", "somebody has it"),
      );
      at(5, () => claims.releaseHeld());
      at(6, () => {
        delete failures["claim 0"];
        return claims.hold(0);
      });
      at(10, () => claims.releaseHeld());
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "claim 0 @8", "release 0 @12"]);
    }),
  );

  it(
    "release the others where one cannot be released, and tell of it",
    marbles((m) => {
      const failures = { "release 1": new BusyError("interface-busy", "stuck") };
      const { log, claims, at } = laboratory(m.scheduler, failures);
      at(0, () => concat(claims.hold(0), claims.hold(1)));
      m.expect(
        concat(timer(10, m.scheduler).pipe(ignoreElements()), claims.releaseHeld()).pipe(plainErrors()),
      ).toBeObservable("14ms #", {}, failure("BusyError", "interface-busy", "stuck"));
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "claim 1 @4", "release 1 @12", "release 0 @14"]);
    }),
  );
});
