import { concatMap, map, Observable, ReplaySubject, switchMap } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  isochPipe,
  openDevice,
  TransportError,
  type ControlSetup,
  type DeviceSelector,
  type PipeSession,
  type UsbDevice,
} from "../../src/index.js";
import { counterDevice, counterProtocol } from "../../transports/virtual/index.js";
import { marbleBus } from "../../transports/virtual/testing/index.js";
import { expectClean, inPipe, marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { observedIds, observedIn, observedOut } from "../support/observed-device.js";
import { failure, plain, plainErrors, type PlainError } from "../support/plain-error.js";
import { slowTransport, type SlowOptions, type SlowTransport } from "../support/slow-transport.js";
import { strictTransport } from "../support/strict-transport.js";

/** The device of a lab, opened now, and closed with the unsubscribe. */
function opened(lab: Pick<ReturnType<typeof marbleLab>, "transport">, selector: DeviceSelector = observedIds) {
  let device: UsbDevice | undefined;
  const subscription = openDevice(lab.transport, selector).subscribe((each) => (device = each));
  if (device === undefined) throw new Error("the device was not opened");
  return { device, subscription };
}

/** Uses the device of a lab as soon as it is open. It stays open until it is closed. */
function withDevice(lab: Pick<ReturnType<typeof marbleLab>, "transport">, use: (device: UsbDevice) => void): void {
  openDevice(lab.transport, observedIds).subscribe(use);
}

function events(name: string, log: string[], observable: Observable<unknown>) {
  observable.subscribe({
    error: (error: unknown) => log.push(`${name}: ${plain(error).code}`),
    complete: () => log.push(`${name}: done`),
  });
}

describe("UsbDevice, two pipes on one interface", () => {
  it(
    "share it: closing one leaves the other streaming",
    marbles((m) => {
      const lab = marbleLab(m);
      const { device, subscription } = opened(lab);
      const input = isochPipe(device, { endpoint: observedIn });
      const firstFrames = input
        .results({ frames: 2, queue: 2 })
        .pipe(switchMap(({ firstFrame, lost }) => [[firstFrame, lost]]));
      const output = isochPipe(device, { endpoint: observedOut }).open();
      const unsub = "         ^-------!";
      const expected = "      --a-b-c--";
      m.expect(firstFrames, unsub).toBeObservable(expected, { a: [0, 0], b: [2, 0], c: [4, 0] });
      const outputUnsub = "   ^--!";
      const outputExpected = "s---";
      m.expect(output.pipe(switchMap(({ endpoint }) => [endpoint.address])), outputUnsub).toBeObservable(
        outputExpected,
        { s: observedOut },
      );
      lab.at(7, () => {
        expect(lab.bus.audit().claimedInterfaces).toBe(1);
      });
      lab.at(9, () => {
        expect(lab.bus.audit().claimedInterfaces).toBe(0);
        subscription.unsubscribe();
      });
      lab.finish();
    }),
  );

  it(
    "share it: one that has failed leaves the other streaming",
    marbles((m) => {
      const lab = marbleLab(m);
      const { device, subscription } = opened(lab);
      const sessions: PipeSession[] = [];
      isochPipe(device, { endpoint: observedOut })
        .open()
        .subscribe((session) => sessions.push(session));
      const never = new Observable<boolean>((subscriber) => {
        subscriber.next(true);
        m.scheduler.schedule(() => {
          subscriber.next(false);
        }, 9);
      });
      const failing = isochPipe(device, { endpoint: observedIn }).results({
        frames: 2,
        queue: 2,
        ring: 1,
        overflow: "error",
        pause: never,
      });
      const expected = "      ---------(al#)";
      m.expect(
        failing.pipe(
          switchMap(({ firstFrame, lost }) => [[firstFrame, lost]]),
          plainErrors(),
        ),
      ).toBeObservable(expected, { a: [0, 0], l: [4, 2] }, failure("OverflowError", "overflow"));
      lab.at(12, () => {
        expect(lab.bus.audit().claimedInterfaces).toBe(1);
        void sessions[0]?.issue({ lengths: [8], buffer: new Uint8Array(8) });
      });
      lab.at(20, () => {
        expect(lab.device.sent.map(({ frame }) => frame)).toStrictEqual([12]);
        subscription.unsubscribe();
      });
      lab.finish();
    }),
  );

  it(
    "cannot be in different alternate settings at once, but one after the other",
    marbles((m) => {
      const bus = marbleBus(m.scheduler, { devices: [counterDevice({ speed: "full" })] });
      const transport = strictTransport(bus);
      const { device, subscription } = opened({ transport }, { vendorId: counterProtocol.vendorId });
      const input = isochPipe(device, { endpoint: counterProtocol.inEndpoint });
      const output = isochPipe(device, { endpoint: counterProtocol.outEndpoint });
      const alternate = map(({ endpoint }: PipeSession) => endpoint.alternate);
      const inputUnsub = "    ^---!";
      const inputExpected = " 1----";
      const early = "         --^--";
      const earlyExpected = " --#";
      const late = "          -----^--!";
      const lateExpected = "  -----2---";
      m.expect(input.open().pipe(alternate), inputUnsub).toBeObservable(inputExpected, { 1: 1 });
      m.expect(output.open().pipe(plainErrors()), early).toBeObservable(
        earlyExpected,
        {},
        failure("BusyError", "interface-busy", "alternate setting 1", "before you select 2"),
      );
      m.expect(output.open().pipe(alternate), late).toBeObservable(lateExpected, { 2: 2 });
      m.flush();
      subscription.unsubscribe();
      m.flush();
      expectClean(bus, transport);
    }),
  );

  it(
    "are refused a second use of one endpoint",
    marbles((m) => {
      const lab = marbleLab(m);
      const { device, subscription } = opened(lab);
      const [one, two] = [isochPipe(device, { endpoint: observedIn }), isochPipe(device, { endpoint: observedIn })];
      m.expect(one.results({ frames: 4 }).pipe(switchMap(({ firstFrame }) => [firstFrame])), "^-----!").toBeObservable(
        "----a--",
        { a: 0 },
      );
      m.expect(two.results().pipe(plainErrors())).toBeObservable(
        "#",
        {},
        failure("BusyError", "pipe-busy", "endpoint 0x81 is open already", "share()"),
      );
      lab.at(9, () => {
        subscription.unsubscribe();
      });
      lab.finish();
    }),
  );
});

describe("UsbDevice, a pipe that comes and goes", () => {
  const stream = (device: UsbDevice, endpoint: number) =>
    isochPipe(device, { endpoint })
      .results({ frames: 2, queue: 2 })
      .pipe(map(({ firstFrame }) => firstFrame));

  it(
    "unsubscribe-while-opening: what was begun is finished, then undone, and the device stays open",
    marbles((m) => {
      for (const frame of [1, 2]) {
        let slow: SlowTransport | undefined;
        const lab = marbleLab(m, {}, (bus) => (slow = slowTransport(bus, m.scheduler)));
        const devices: UsbDevice[] = [];
        withDevice(lab, (device) => {
          devices.push(device);
          const subscription = stream(device, observedIn).subscribe();
          lab.at(frame, () => {
            subscription.unsubscribe();
          });
        });
        lab.at(10, () => {
          expect(slow?.log.slice(2)).toStrictEqual(
            ["claim 0", "select 0.1", "select 0.0", "release 0"].flatMap((step) => [`${step} …`, step]),
          );
          expect(lab.bus.audit()).toMatchObject({ openDevices: 1, claimedInterfaces: 0, submitted: 0 });
          void devices[0]?.close();
        });
        lab.at(20, () => {
          expectClean(lab.bus, lab.transport);
        });
      }
      m.flush();
    }),
  );

  it(
    "reopen-while-closing: another pipe of the endpoint waits for it to be free",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
      const device = new ReplaySubject<UsbDevice>(1);
      withDevice(lab, (each) => {
        device.next(each);
      });
      const streams = device.pipe(switchMap((each) => stream(each, observedIn)));
      const first = "         ^-----!";
      const expectedFirst = " -----a-";
      // Deselecting and releasing takes until frame 8, claiming and selecting until frame 10.
      const second = "        ------^-------!";
      const expectedSecond = "------------b--";
      m.expect(streams, first).toBeObservable(expectedFirst, { a: 3 });
      m.expect(streams, second).toBeObservable(expectedSecond, { b: 10 });
      lab.at(20, () => {
        device.subscribe((each) => void each.close());
      });
      lab.finish();
    }),
  );

  it(
    "reopen-while-opening: another pipe of the endpoint waits where the first lost interest",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
      const device = new ReplaySubject<UsbDevice>(1);
      withDevice(lab, (each) => {
        device.next(each);
      });
      const streams = device.pipe(switchMap((each) => stream(each, observedIn)));
      // Opening goes on until frame 3, and is undone until frame 5; opening anew takes until frame 7.
      m.expect(streams, " -^!").toBeObservable("---");
      m.expect(streams, " --^-------!").toBeObservable("---------b-", { b: 7 });
      lab.at(20, () => {
        device.subscribe((each) => void each.close());
      });
      lab.finish();
    }),
  );
});

describe("UsbDevice.close", () => {
  it(
    "closes every pipe, then the device, and streams end with an error that says so",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
      const log: string[] = [];
      const seen: unknown[] = [];
      const errors: PlainError[] = [];
      withDevice(lab, (device) => {
        isochPipe(device, { endpoint: observedIn })
          .results({ frames: 2, queue: 2 })
          .subscribe({
            next: ({ firstFrame, served }) => seen.push([firstFrame, served]),
            error: (error: unknown) => errors.push(plain(error)),
          });
        isochPipe(device, { endpoint: observedOut })
          .open()
          .subscribe((session) => {
            const transfer = session.issue({ lengths: [8, 8, 8, 8, 8, 8, 8, 8], buffer: new Uint8Array(64) });
            events("transfer", log, transfer.completion);
            events("session", log, session.closed);
          });
        lab.at(8, () => {
          events("device", log, device.close());
          events("device again", log, device.close());
        });
      });
      m.flush();
      expect(seen).toStrictEqual([
        [3, 2],
        [5, 2],
      ]);
      expect(errors).toStrictEqual([failure("TransferStateError", "pipe-closed", "open it again")]);
      expect(log).toStrictEqual(["transfer: done", "session: done", "device: done", "device again: done"]);
      lab.finish();
    }),
  );

  it(
    "waits for a pipe that is being opened, and refuses it",
    marbles((m) => {
      const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
      const log: string[] = [];
      withDevice(lab, (device) => {
        events("pipe", log, isochPipe(device, { endpoint: observedIn }).results());
        lab.at(2, () => {
          events("device", log, device.close());
          events("late pipe", log, isochPipe(device, { endpoint: observedIn }).results());
        });
      });
      m.flush();
      expect(log).toStrictEqual(["late pipe: pipe-closed", "pipe: pipe-closed", "device: done"]);
      lab.finish();
    }),
  );

  it(
    "errors with what went wrong in releasing, and closes the device all the same",
    marbles((m) => {
      for (const step of ["release", "deselect", "close"] as const) {
        const failures: SlowOptions["failures"] = { [step]: new TransportError("transport-failed", `${step} failed`) };
        let slow: SlowTransport | undefined;
        const lab = marbleLab(m, {}, (bus) => (slow = slowTransport(bus, m.scheduler, { failures })));
        let error: unknown;
        withDevice(lab, (device) => {
          isochPipe(device, { endpoint: observedIn })
            .results()
            .subscribe({ error: () => undefined });
          lab.at(10, () => {
            device.close().subscribe({ error: (reason: unknown) => (error = reason) });
          });
        });
        m.flush();
        expect(plain(error)).toStrictEqual(failure("TransportError", "transport-failed", `${step} failed`));
        expect(slow?.log.slice(-2)).toStrictEqual(["close …", step === "close" ? "close failed" : "close"]);
      }
    }),
  );

  it(
    "is done at once, and later, where nothing is open on it",
    marbles((m) => {
      const lab = marbleLab(m);
      const { device } = opened(lab);
      const log: string[] = [];
      events("close", log, device.close());
      events("closed", log, device.closed);
      expect(log).toStrictEqual(["close: done", "closed: done"]);
      lab.finish();
    }),
  );
});

describe("UsbDevice.selectDefaultAlternate", () => {
  it(
    "claims the interface until the device is closed, which waits for the selection",
    marbles((m) => {
      let slow: SlowTransport | undefined;
      const lab = marbleLab(m, {}, (bus) => (slow = slowTransport(bus, m.scheduler, { delay: 2 })));
      const log: string[] = [];
      withDevice(lab, (device) => {
        events("default", log, device.selectDefaultAlternate(0));
        lab.at(3, () => {
          events("device", log, device.close());
        });
      });
      lab.finish();
      expect(log).toStrictEqual(["default: done", "device: done"]);
      expect(slow?.log.filter((line) => !line.endsWith("…"))).toStrictEqual([
        "open",
        "claim 0",
        "select 0.0",
        "release 0",
        "close",
      ]);
    }),
  );
});

describe("UsbDevice.controlTransfer, clearHalt, reset", () => {
  const getDevice: ControlSetup = {
    direction: "in",
    type: "standard",
    recipient: "device",
    request: 6,
    value: 0x100,
    index: 0,
  };

  it(
    "do their work at each subscription",
    marbles((m) => {
      const lab = marbleLab(m);
      const { device, subscription } = opened(lab);
      const seen: unknown[] = [];
      const read = device.controlTransfer(getDevice, 18);
      read.subscribe((bytes) => seen.push(bytes.length, bytes[1]));
      read.subscribe((bytes) => seen.push(bytes.length));
      device.controlTransfer(getDevice, 2).subscribe((bytes) => seen.push(bytes.length));
      expect(seen).toStrictEqual([18, 1, 18, 2]);
      const log: string[] = [];
      const pipe = isochPipe(device, { endpoint: observedIn }).open().subscribe();
      events("halt", log, device.clearHalt(observedIn));
      pipe.unsubscribe();
      events("reset", log, device.reset());
      events("stall", log, device.controlTransfer({ ...getDevice, request: 99 }, 2));
      expect(log).toStrictEqual(["halt: done", "reset: done", "stall: control-stalled"]);
      subscription.unsubscribe();
      lab.finish();
    }),
  );

  it(
    "refuse a closed device",
    marbles((m) => {
      const lab = marbleLab(m);
      const { device, subscription } = opened(lab);
      subscription.unsubscribe();
      const log: string[] = [];
      events("control", log, device.controlTransfer(getDevice, 18));
      events("halt", log, device.clearHalt(observedIn));
      events("reset", log, device.reset());
      events("pipe", log, device.openPipe({ endpoint: observedIn }));
      events("claim", log, device.claimInterface(0));
      events("default", log, device.selectDefaultAlternate(0));
      expect(log).toStrictEqual(
        ["control", "halt", "reset", "pipe", "claim", "default"].map((each) => `${each}: pipe-closed`),
      );
      lab.finish();
    }),
  );

  it(
    "reset: what was in flight is delivered, and the stream ends with an error",
    marbles((m) => {
      const lab = marbleLab(m);
      const { device, subscription } = opened(lab);
      const seen: unknown[] = [];
      let error: unknown;
      isochPipe(device, { endpoint: observedIn })
        .results({ frames: 4, queue: 2 })
        .subscribe({
          next: ({ firstFrame, served }) => seen.push([firstFrame, served]),
          error: (reason: unknown) => (error = reason),
        });
      lab.at(6, () => {
        device.reset().subscribe();
      });
      lab.at(20, () => {
        subscription.unsubscribe();
      });
      m.flush();
      expect(seen).toStrictEqual([
        [0, 4],
        [4, 2],
      ]);
      expect(plain(error).class).toBe("TransferStateError");
      expectClean(lab.bus);
    }),
  );
});

describe("a slow transport", () => {
  it(
    "takes its time for each step, and tells of it",
    marbles((m) => {
      let slow: SlowTransport | undefined;
      const lab = marbleLab(m, {}, (bus) => (slow = slowTransport(bus, m.scheduler, { delay: 2 })));
      const subscription = isochPipe(lab.transport, inPipe).subscribe();
      lab.at(20, () => {
        subscription.unsubscribe();
      });
      m.flush();
      expect(slow?.log).toStrictEqual(
        ["open", "claim 0", "select 0.1", "select 0.0", "release 0", "close"].flatMap((step) => [`${step} …`, step]),
      );
      lab.finish();
    }),
  );

  it(
    "tells of a step that is cut short",
    marbles((m) => {
      let slow: SlowTransport | undefined;
      const lab = marbleLab(m, {}, (bus) => (slow = slowTransport(bus, m.scheduler, { delay: 2 })));
      lab.transport.open(observedIds).subscribe().unsubscribe();
      m.expect(
        lab.transport.open(observedIds).pipe(concatMap((device) => device.claimInterface(0))),
        "^--!",
      ).toBeObservable("---");
      m.flush();
      expect(slow?.log).toStrictEqual(["open …", "open cut short", "open …", "open", "claim 0 …", "claim 0 cut short"]);
      expect(lab.bus.audit()).toMatchObject({ openDevices: 1, claimedInterfaces: 0 });
    }),
  );
});
