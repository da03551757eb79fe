import { AsyncSubject, concat, EMPTY, ignoreElements, mergeMap, Observable, tap, type Subscription } from "rxjs";
import { subscribeInner } from "../../../src/subscribe-inner.js";
import { settled } from "../../../src/teardown.js";
import type { UsbipDevice } from "../protocol/index.js";
import { deviceIdOf } from "./device-info.js";
import type { RemoteDevice } from "./remote-device.js";

/** A device that is imported, as one of those who share it holds it. */
export interface ImportUse {
  readonly remote: RemoteDevice;
  /** Gives it back: the last one closes the connection. Starts at once, and only once; completes when it is closed. */
  release(): Observable<never>;
}

/** A device that is imported, or about to be. */
class Import {
  readonly #opened = new AsyncSubject<RemoteDevice>();
  readonly #opening: Subscription;
  #remote: RemoteDevice | undefined;
  users = 0;

  constructor(source: Observable<RemoteDevice>) {
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

  constructor(begin: (busId: string) => Observable<RemoteDevice>) {
    this.#begin = begin;
  }

  /** The devices that are imported, by what {@link Imports.acquire} knows them by. */
  get present(): ReadonlyMap<string, RemoteDevice> {
    const present = new Map<string, RemoteDevice>();
    for (const [key, { remote }] of this.#imports) if (remote !== undefined) present.set(key, remote);
    return present;
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
    return this.#use(key, () => this.#imports.get(key) ?? this.#start(key, device.busId));
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

  #start(key: string, busId: string): Import {
    const shared = new Import(concat(settled(this.#leaving.get(key) ?? EMPTY), this.#begin(busId)));
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
    this.#forget(key, shared);
    const closing = shared.close();
    this.#leaving.set(key, closing);
    settled(closing).subscribe({
      error: () => undefined,
      complete: () => {
        if (this.#leaving.get(key) === closing) this.#leaving.delete(key);
      },
    });
    return closing;
  }

  #forget(key: string, shared: Import): void {
    if (this.#imports.get(key) === shared) this.#imports.delete(key);
  }
}

/** Tells a device from one that is plugged in there later. */
export function importKey(device: UsbipDevice): string {
  return `${device.busId} ${deviceIdOf(device)}`;
}
