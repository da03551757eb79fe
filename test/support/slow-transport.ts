import { concat, defer, finalize, ignoreElements, Observable, timer, type SchedulerLike } from "rxjs";
import { subscribeInner } from "../../src/subscribe-inner.js";
import type { IsochTransport, TransportDevice } from "../../src/index.js";

/** The steps that take time, and that can fail. */
export type Step = "open" | "claim" | "select" | "release" | "close";

/** What a step does beside taking its time. */
export interface SlowOptions {
  /** Milliseconds of each step. Default: 1. */
  readonly delay?: number;
  /** Steps that fail, with what. `select` stands for any alternate setting but 0, `deselect` for 0. */
  readonly failures?: Partial<Record<Step | "deselect", Error>>;
  /** Whether control requests take their time, too. Default: no. */
  readonly control?: boolean;
}

/** A transport that keeps a list of what was done. */
export interface SlowTransport extends IsochTransport {
  /** Each step, once when it begins (`claim 0 …`) and once when it is done (`claim 0`), or was cut short. */
  readonly log: readonly string[];
}

/**
 * Stands in front of a transport whose steps are done at once, and makes each of them wait, so that
 * something can happen meanwhile. A step that is cut short by an unsubscribe is never done.
 */
export function slowTransport(
  inner: IsochTransport,
  scheduler: SchedulerLike,
  { delay = 1, failures = {}, control = false }: SlowOptions = {},
): SlowTransport {
  const log: string[] = [];
  const slow = <T>(name: string, failure: Error | undefined, work: Observable<T>): Observable<T> =>
    defer(() => {
      let isDone = false;
      log.push(`${name} …`);
      return concat(
        timer(delay, scheduler).pipe(ignoreElements()),
        defer(() => {
          isDone = true;
          log.push(failure === undefined ? name : `${name} failed`);
          if (failure !== undefined) throw failure;
          return work;
        }),
      ).pipe(
        finalize(() => {
          if (!isDone) log.push(`${name} cut short`);
        }),
      );
    });
  const slowDevice = (device: TransportDevice): TransportDevice => ({
    info: device.info,
    configuration: device.configuration,
    gone: device.gone,
    controlTransfer: (setup, data) => {
      const work = device.controlTransfer(setup, data);
      return control ? slow("control", undefined, work) : work;
    },
    claimInterface: (number) => slow(`claim ${number}`, failures.claim, device.claimInterface(number)),
    releaseInterface: (number) => slow(`release ${number}`, failures.release, device.releaseInterface(number)),
    selectAlternate: (number, alternate) =>
      slow(
        `select ${number}.${alternate}`,
        alternate === 0 ? failures.deselect : failures.select,
        device.selectAlternate(number, alternate),
      ),
    clearHalt: (address) => device.clearHalt(address),
    reset: () => device.reset(),
    openEndpoint: (address) => device.openEndpoint(address),
    close: () => slow("close", failures.close, device.close()),
  });
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    log,
    devices: () => inner.devices(),
    // The contract: unsubscribed before the emission, nothing stays open. The device is opened at
    // once, so that this needs doing.
    open: (selector) =>
      new Observable((subscriber) => {
        let opened: TransportDevice | undefined;
        log.push("open …");
        subscriber.add(() => {
          if (opened === undefined) return;
          log.push("open cut short");
          void opened.close().subscribe();
        });
        subscribeInner(inner.open(selector), subscriber, {
          next: (device) => {
            opened = device;
            subscribeInner(timer(delay, scheduler), subscriber, {
              next: () => {
                log.push(failures.open === undefined ? "open" : "open failed");
                if (failures.open !== undefined) throw failures.open;
                opened = undefined;
                subscriber.next(slowDevice(device));
                subscriber.complete();
              },
              complete: () => undefined,
            });
          },
          complete: () => undefined,
        });
      }),
  };
}
