import { concat, defer, EMPTY, ignoreElements, switchMap, timer, type Observable } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { InterfaceLeases } from "../../src/interface-leases.js";
import { BusyError, DeviceError, TransferStateError, TransportError, type TransportDevice } from "../../src/index.js";
import { marbles } from "../support/marbles.js";
import { failure, plainErrors } from "../support/plain-error.js";

type Steps = Pick<TransportDevice, "claimInterface" | "releaseInterface" | "selectAlternate">;

const failed = (step: string) => new TransportError("transport-failed", `${step} failed`);

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
  const device: Steps = {
    claimInterface: (number) => step(`claim ${number}`),
    releaseInterface: (number) => step(`release ${number}`),
    selectAlternate: (number, alternate) => step(`select ${number}.${alternate}`),
  };
  return { log, leases: new InterfaceLeases(device) };
}

/** Subscribes to what `make` makes, on that frame. */
function after<T>(frame: number, scheduler: TestScheduler, make: () => Observable<T>): Observable<T> {
  return timer(frame, scheduler).pipe(switchMap(make));
}

describe("InterfaceLeases", () => {
  it(
    "claim, then select; deselect, then release",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler);
      m.expect(leases.acquire(0, 3)).toBeObservable("----|");
      m.scheduler.schedule(() => {
        void leases.release(0);
      }, 10);
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "select 0.3 @4", "select 0.0 @12", "release 0 @14"]);
    }),
  );

  it(
    "claim with the first, release with the last",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler);
      m.expect(leases.acquire(0, 3)).toBeObservable("----|");
      m.expect(after(1, m.scheduler, () => leases.acquire(0, 3))).toBeObservable("----|");
      m.expect(after(6, m.scheduler, () => leases.acquire(0, 3))).toBeObservable("------|");
      m.expect(after(10, m.scheduler, () => leases.release(0))).toBeObservable("10ms |");
      m.expect(after(11, m.scheduler, () => leases.release(0))).toBeObservable("11ms |");
      m.expect(after(20, m.scheduler, () => leases.release(0))).toBeObservable("20ms ----|");
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "select 0.3 @4", "select 0.0 @22", "release 0 @24"]);
    }),
  );

  it(
    "have nothing to deselect in alternate setting 0",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler);
      m.expect(leases.acquire(1, 0)).toBeObservable("----|");
      m.scheduler.schedule(() => {
        void leases.release(1);
      }, 10);
      m.flush();
      expect(log).toStrictEqual(["claim 1 @2", "select 1.0 @4", "release 1 @12"]);
    }),
  );

  it(
    "keep interfaces apart",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler);
      m.expect(leases.acquire(0, 1)).toBeObservable("----|");
      m.expect(leases.acquire(1, 2)).toBeObservable("----|");
      m.scheduler.schedule(() => {
        void leases.release(0);
      }, 10);
      m.flush();
      expect(log.slice(-2)).toStrictEqual(["select 0.0 @12", "release 0 @14"]);
    }),
  );

  it(
    "refuse another alternate setting while one is in use, also while it is being selected",
    marbles((m) => {
      const { leases } = laboratory(m.scheduler);
      const busy = failure("BusyError", "interface-busy", "alternate setting 1", "before you select 2");
      m.expect(leases.acquire(0, 1)).toBeObservable("----|");
      m.expect(leases.acquire(0, 2).pipe(plainErrors())).toBeObservable("#", {}, busy);
      m.expect(after(6, m.scheduler, () => leases.acquire(0, 2)).pipe(plainErrors())).toBeObservable(
        "------#",
        {},
        busy,
      );
    }),
  );

  it(
    "wait for a release, and then claim anew, in any alternate setting",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler);
      m.expect(leases.acquire(0, 1)).toBeObservable("----|");
      m.scheduler.schedule(() => {
        void leases.release(0);
      }, 10);
      m.expect(after(11, m.scheduler, () => leases.acquire(0, 2))).toBeObservable("11ms -------|");
      m.flush();
      expect(log.slice(2)).toStrictEqual(["select 0.0 @12", "release 0 @14", "claim 0 @16", "select 0.2 @18"]);
    }),
  );

  it(
    "fail where the claim fails, for everybody who waits, and can be tried again",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler, { "claim 0": new BusyError("interface-busy", "held elsewhere") });
      const busy = failure("BusyError", "interface-busy", "held elsewhere");
      m.expect(leases.acquire(0, 1).pipe(plainErrors())).toBeObservable("--#", {}, busy);
      m.expect(leases.acquire(0, 1).pipe(plainErrors())).toBeObservable("--#", {}, busy);
      m.expect(after(3, m.scheduler, () => leases.acquire(0, 2)).pipe(plainErrors())).toBeObservable(
        "-----#",
        {},
        busy,
      );
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "claim 0 @5"]);
    }),
  );

  it(
    "release again where the selection fails, and error with that, whatever the release does",
    marbles((m) => {
      const logs = ([{}, { "release 0": failed("release") }] as Record<string, Error>[]).map((failures) => {
        const { log, leases } = laboratory(m.scheduler, { "select 0.1": failed("select"), ...failures });
        m.expect(leases.acquire(0, 1).pipe(plainErrors())).toBeObservable(
          "------#",
          {},
          failure("TransportError", "transport-failed", "select failed"),
        );
        // Nothing is left of it.
        m.expect(after(20, m.scheduler, () => leases.acquire(0, 2))).toBeObservable("20ms ----|");
        return log;
      });
      m.flush();
      for (const log of logs) expect(log.slice(0, 3)).toStrictEqual(["claim 0 @2", "select 0.1 @4", "release 0 @6"]);
    }),
  );

  it(
    "release although the deselection fails, error with that, and can be claimed again",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler, { "select 0.0": failed("deselect") });
      m.expect(leases.acquire(0, 1)).toBeObservable("----|");
      m.expect(after(10, m.scheduler, () => leases.release(0)).pipe(plainErrors())).toBeObservable(
        "10ms ----#",
        {},
        failure("TransportError", "transport-failed", "deselect failed"),
      );
      m.expect(after(11, m.scheduler, () => leases.acquire(0, 1))).toBeObservable("11ms -------|");
      m.flush();
      expect(log).toContain("release 0 @14");
    }),
  );

  it(
    "take a device that is gone for released",
    marbles((m) => {
      const gone = new DeviceError("device-gone", "it is gone");
      const { leases } = laboratory(m.scheduler, { "select 0.0": gone, "release 0": gone });
      m.expect(leases.acquire(0, 1)).toBeObservable("----|");
      m.expect(after(10, m.scheduler, () => leases.release(0))).toBeObservable("10ms ----|");
    }),
  );

  it(
    "are finished although nobody waits for them any more",
    marbles((m) => {
      const { log, leases } = laboratory(m.scheduler);
      m.expect(leases.acquire(0, 1), "^-!").toBeObservable("---");
      m.flush();
      expect(log).toStrictEqual(["claim 0 @2", "select 0.1 @4"]);
    }),
  );

  it("have nothing to release where nothing was acquired", () => {
    const { log, leases } = laboratory(new TestScheduler(() => undefined));
    let isComplete = false;
    leases.release(7).subscribe({ complete: () => (isComplete = true) });
    expect(isComplete).toBe(true);
    expect(log).toStrictEqual([]);
  });

  describe("selectDefault", () => {
    it(
      "claims, selects alternate setting 0 and releases; who wants the interface meanwhile waits",
      marbles((m) => {
        const { log, leases } = laboratory(m.scheduler);
        m.expect(leases.selectDefault(0)).toBeObservable("------|");
        m.expect(after(3, m.scheduler, () => leases.acquire(0, 1))).toBeObservable("---- ------|");
        m.flush();
        expect(log).toStrictEqual(["claim 0 @2", "select 0.0 @4", "release 0 @6", "claim 0 @8", "select 0.1 @10"]);
      }),
    );

    it(
      "is done again for a second who asks meanwhile, not beside the first",
      marbles((m) => {
        const { log, leases } = laboratory(m.scheduler);
        m.expect(leases.selectDefault(0)).toBeObservable("------|");
        m.expect(leases.selectDefault(0)).toBeObservable("------ ------|");
        m.flush();
        expect(log.slice(2)).toStrictEqual(["release 0 @6", "claim 0 @8", "select 0.0 @10", "release 0 @12"]);
      }),
    );

    it(
      "waits for a release, and is refused while a pipe has the interface in another alternate setting",
      marbles((m) => {
        const { log, leases } = laboratory(m.scheduler);
        m.expect(leases.acquire(0, 1)).toBeObservable("----|");
        m.expect(after(5, m.scheduler, () => leases.selectDefault(0)).pipe(plainErrors())).toBeObservable(
          "-----#",
          {},
          failure("BusyError", "interface-busy", "in use in alternate setting 1"),
        );
        m.scheduler.schedule(() => {
          void leases.release(0);
        }, 10);
        m.expect(after(11, m.scheduler, () => leases.selectDefault(0))).toBeObservable("11ms ---------|");
        m.flush();
        expect(log.slice(2)).toStrictEqual([
          "select 0.0 @12",
          "release 0 @14",
          "claim 0 @16",
          "select 0.0 @18",
          "release 0 @20",
        ]);
      }),
    );

    it(
      "is there where a pipe has the interface in alternate setting 0",
      marbles((m) => {
        const { log, leases } = laboratory(m.scheduler);
        m.expect(leases.acquire(0, 0)).toBeObservable("----|");
        m.expect(after(1, m.scheduler, () => leases.selectDefault(0))).toBeObservable("----|");
        m.flush();
        expect(log).toStrictEqual(["claim 0 @2", "select 0.0 @4"]);
      }),
    );

    it(
      "releases although the selection fails, errors with that, and leaves nothing behind",
      marbles((m) => {
        const { log, leases } = laboratory(m.scheduler, { "select 0.0": failed("select") });
        m.expect(leases.selectDefault(0).pipe(plainErrors())).toBeObservable(
          "------#",
          {},
          failure("TransportError", "transport-failed", "select failed"),
        );
        m.expect(after(7, m.scheduler, () => leases.acquire(0, 1))).toBeObservable("-------- ---|");
        m.flush();
        expect(log.slice(0, 3)).toStrictEqual(["claim 0 @2", "select 0.0 @4", "release 0 @6"]);
      }),
    );

    it(
      "does not begin, nor begin again behind another, where it may not any more",
      marbles((m) => {
        const { log, leases } = laboratory(m.scheduler);
        const over = new TransferStateError("pipe-closed", "closed");
        let isOver = false;
        const check = () => {
          if (isOver) throw over;
        };
        const closed = failure("TransferStateError", "pipe-closed");
        m.expect(leases.selectDefault(0, check)).toBeObservable("------|");
        m.expect(leases.selectDefault(0, check).pipe(plainErrors())).toBeObservable("------#", {}, closed);
        m.scheduler.schedule(() => (isOver = true), 3);
        m.expect(after(9, m.scheduler, () => leases.selectDefault(0, check)).pipe(plainErrors())).toBeObservable(
          "---------#",
          {},
          closed,
        );
        m.flush();
        expect(log).toStrictEqual(["claim 0 @2", "select 0.0 @4", "release 0 @6"]);
      }),
    );

    it(
      "is finished although nobody waits for it any more, and settled() does",
      marbles((m) => {
        const { log, leases } = laboratory(m.scheduler);
        m.expect(leases.settled()).toBeObservable("|");
        m.expect(leases.selectDefault(0), "^-!").toBeObservable("---");
        m.expect(after(3, m.scheduler, () => leases.settled())).toBeObservable("------|");
        m.flush();
        expect(log).toStrictEqual(["claim 0 @2", "select 0.0 @4", "release 0 @6"]);
      }),
    );
  });
});
