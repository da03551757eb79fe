import { AsyncSubject, concat, EMPTY, ignoreElements, mergeMap, Observable, tap, type Subscription } from "rxjs";
import type { DeviceInfo } from "../../../src/index.js";
import { subscribeInner } from "../../../src/subscribe-inner.js";
import { settled } from "../../../src/teardown.js";
import type { UsbipDevice } from "../protocol/index.js";
import { deviceIdOf, listedInfo } from "./device-info.js";
import type { RemoteDevice } from "./remote-device.js";

/** A device that is imported, as one of those who share it holds it. */
export interface ImportUse {
  readonly remote: RemoteDevice;
  /** Gives it back: the last one closes the connection. Starts at once, and only once; completes when it is closed. */
  release(): Observable<never>;
}

/**
 * Milliseconds that a server has to take back a device: Linux closes the connection first, and then resets
 * the device; until that is done it neither lists it nor hands it out.
 */
const returnTime = 2000;

/** A device that was given back. */
interface Returned {
  readonly info: DeviceInfo;
  /** On the clock of `performance`; as long as it is being closed, there is no end. */
  readonly until: number;
}

/** A device that is imported, or about to be. */
class Import {
  readonly device: UsbipDevice;
  readonly #opened = new AsyncSubject<RemoteDevice>();
  readonly #opening: Subscription;
  #remote: RemoteDevice | undefined;
  users = 0;

  constructor(device: UsbipDevice, source: Observable<RemoteDevice>) {
    this.device = device;
    this.#opening = source.pipe(tap((remote) => (this.#remote = remote))).subscribe(this.#opened);
  }

  /** Emits the device once it is imported. */
  get opened(): Observable<RemoteDevice> {
    return this.#opened.asObservable();
  }

  /** Completes once it cannot be shared any more: it is gone, or could not be imported. */
  get over(): Observable<never> {
    return settled(this.#opened.pipe(mergeMap(({ gone }) => gone.pipe(ignoreElements()))));
  }

  get remote(): RemoteDevice | undefined {
    return this.#remote;
  }

  /** What is known of the device. */
  get info(): DeviceInfo {
    return this.#remote?.info ?? listedInfo(this.device);
  }

  close(): Observable<never> {
    this.#opening.unsubscribe();
    return this.#remote?.close() ?? EMPTY;
  }
}

/**
 * The devices that are imported: a server hands each to one client only, so whoever opens it in this
 * program shares one connection, which is closed with the last of them.
 */
export class Imports {
  readonly #begin: (busId: string) => Observable<RemoteDevice>;
  readonly #imports = new Map<string, Import>();
  /** What is being closed: it is waited for. */
  readonly #leaving = new Map<string, Observable<never>>();
  readonly #returned = new Map<string, Returned>();

  constructor(begin: (busId: string) => Observable<RemoteDevice>) {
    this.#begin = begin;
  }

  /** The devices that are imported, by {@link importKey}. */
  get present(): ReadonlyMap<string, DeviceInfo> {
    const present = new Map<string, DeviceInfo>();
    for (const [key, { remote }] of this.#imports) if (remote !== undefined) present.set(key, remote.info);
    return present;
  }

  /** Whether a server may leave a device out of its list, or keep it back, because of this program. */
  holds(key: string): boolean {
    this.#forgetReturned();
    return this.#imports.has(key) || this.#returned.has(key);
  }

  /** Whether a device that this program has given back may not be there again yet. */
  isReturning(matches: (info: DeviceInfo) => boolean): boolean {
    this.#forgetReturned();
    return [...this.#returned.values()].some(({ info }) => matches(info));
  }

  /** Shares a device if it is imported. */
  find(holds: (remote: RemoteDevice) => boolean): Observable<ImportUse> | undefined {
    for (const [key, shared] of this.#imports) {
      if (shared.remote !== undefined && holds(shared.remote)) return this.#use(key, () => shared);
    }
    return undefined;
  }

  /** Emits the device, which is imported first if need be. An unsubscribe before that gives it back. */
  acquire(device: UsbipDevice): Observable<ImportUse> {
    const key = importKey(device);
    return this.#use(key, () => this.#imports.get(key) ?? this.#start(key, device));
  }

  #use(key: string, find: () => Import): Observable<ImportUse> {
    return new Observable<ImportUse>((subscriber) => {
      const shared = find();
      shared.users++;
      let closing: Observable<never> | undefined;
      const release = () => (closing ??= this.#leave(key, shared));
      let isHandedOver = false;
      subscriber.add(() => {
        if (!isHandedOver) void release();
      });
      subscribeInner(shared.opened, subscriber, {
        next: (remote) => {
          isHandedOver = true;
          subscriber.next({ remote, release });
        },
      });
    });
  }

  #start(key: string, device: UsbipDevice): Import {
    const source = concat(settled(this.#leaving.get(key) ?? EMPTY), this.#begin(device.busId));
    const shared = new Import(device, source);
    this.#imports.set(key, shared);
    shared.over.subscribe({
      error: () => undefined,
      complete: () => {
        this.#forget(key, shared);
      },
    });
    return shared;
  }

  #leave(key: string, shared: Import): Observable<never> {
    if (--shared.users > 0) return EMPTY;
    // One that is gone does not come back.
    const isThere = this.#imports.get(key) === shared;
    const { info } = shared;
    this.#forget(key, shared);
    const closing = shared.close();
    this.#leaving.set(key, closing);
    if (isThere) this.#returned.set(key, { info, until: Infinity });
    settled(closing).subscribe({
      error: () => undefined,
      complete: () => {
        if (this.#leaving.get(key) !== closing) return;
        this.#leaving.delete(key);
        if (isThere) this.#returned.set(key, { info, until: performance.now() + returnTime });
      },
    });
    return closing;
  }

  #forgetReturned(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#returned) if (until <= now) this.#returned.delete(key);
  }

  #forget(key: string, shared: Import): void {
    if (this.#imports.get(key) === shared) this.#imports.delete(key);
  }
}

/** Tells a device from one that is plugged in there later. */
export function importKey(device: UsbipDevice): string {
  return `${device.busId} ${deviceIdOf(device)}`;
}
