import { throwError, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { closeOn, closingOn } from "../../src/closings.js";
import { isochPipe, openDevice } from "../../src/index.js";
import { marbleBus } from "../../transports/virtual/testing/index.js";
import { expectClean } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { ObservedDevice, observedIds, observedIn } from "../support/observed-device.js";
import { slowTransport } from "../support/slow-transport.js";
import { strictTransport } from "../support/strict-transport.js";

const errorless = { error: () => undefined };

describe("closingOn", () => {
  it(
    "completes at once where nothing is closing",
    marbles((m) => {
      m.expect(closingOn({})).toBeObservable("|");
    }),
  );

  it(
    "waits for what is closing, and for what begins to meanwhile",
    marbles((m) => {
      const transport = {};
      const close = (source: Observable<never>) => closeOn(transport, source).subscribe(errorless);
      const later: Observable<never> = m.hot("-----|");
      close(m.hot("        --|"));
      m.scheduler.schedule(() => close(later), 1);
      m.expect(closingOn(transport)).toBeObservable("-----|");
      m.expect(closingOn({})).toBeObservable("      |");
    }),
  );

  it(
    "does not mind how that went",
    marbles((m) => {
      const transport = {};
      closeOn(
        transport,
        throwError(() => new Error("stuck")),
      ).subscribe(errorless);
      m.expect(closingOn(transport)).toBeObservable("|");
    }),
  );
});

describe("closeOn", () => {
  it(
    "tells when what was closing before is closed, too, and only of its own failure",
    marbles((m) => {
      const transport = {};
      closeOn(transport, m.hot("---#")).subscribe(errorless);
      m.expect(closeOn(transport, m.hot("-|"))).toBeObservable("---|");
    }),
  );

  it.each(["pipe", "device"])("holds no other %s up: two that are closed at once close at once", (what) => {
    marbles((m) => {
      const bus = marbleBus(m.scheduler);
      const devices = [new ObservedDevice(), new ObservedDevice()].map((device) => bus.attach(device).info.id);
      const slow = slowTransport(bus, m.scheduler);
      const transport = strictTransport(slow);
      const subscriptions = devices.map((id) =>
        what === "pipe"
          ? isochPipe(transport, { ...observedIds, id, endpoint: observedIn }).subscribe()
          : openDevice(transport, { id }).subscribe(),
      );
      m.scheduler.schedule(() => {
        for (const each of subscriptions) each.unsubscribe();
      }, 10);
      // What was in flight has drained, and neither is closed.
      m.scheduler.schedule(
        () => {
          const begun = what === "pipe" ? "select 0.0 …" : "close …";
          expect(slow.log.filter((line) => line === begun)).toHaveLength(2);
          expect(slow.log).not.toContain("close");
        },
        what === "pipe" ? 12 : 10,
      );
      m.flush();
      expectClean(bus, transport);
    })();
  });
});
