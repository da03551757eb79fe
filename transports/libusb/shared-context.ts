import { Observable, share } from "rxjs";
import { subscribeInner } from "../../src/subscribe-inner.js";
import { loadAddon, type DeviceChange, type NativeContext } from "./addon.js";
import { explain } from "./errors.js";

/** A context of the addon, and what it tells. */
export interface UsedContext {
  readonly native: NativeContext;
  /** Devices that come and go while there is a subscriber, from when `subscribe` returns. */
  readonly changes: Observable<DeviceChange>;
}

/** The addon's context: there while somebody uses it, and closed with the last. */
export class SharedContext {
  #context: Promise<UsedContext> | undefined;
  #users = 0;

  /**
   * To be given back with {@link SharedContext.release}, unless it rejects: with `UnsupportedError`
   * `no-addon`, or with what libusb could not be initialised for.
   */
  async acquire(): Promise<UsedContext> {
    this.#users++;
    try {
      this.#context ??= create();
      return await this.#context;
    } catch (error) {
      await this.release();
      throw explain(error, { to: "start libusb" });
    }
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    const context = this.#context;
    this.#context = undefined;
    // What cannot be closed is left to the end of the program: whoever was the last to use it is done.
    await context?.then(({ native }) => native.close()).catch(() => undefined);
  }

  /** Subscribes to what is made of the context, which is held as long as that is subscribed to. */
  use<T>(project: (context: UsedContext) => Observable<T>): Observable<T> {
    return new Observable<T>((subscriber) => {
      this.acquire().then(
        (context) => {
          // The last thing to happen: after the teardown of what is made of it.
          subscribeInner(project(context), subscriber, {
            next: (value) => {
              subscriber.next(value);
            },
          }).add(() => void this.release());
        },
        (error: unknown) => {
          subscriber.error(error);
        },
      );
    });
  }
}

async function create(): Promise<UsedContext> {
  const native = await loadAddon().createContext();
  const changes = new Observable<DeviceChange>((subscriber) => {
    native.watch(() => {
      for (const change of native.changes()) subscriber.next(change);
    });
    return () => {
      native.watch();
    };
  });
  // The addon has one who listens.
  return { native, changes: changes.pipe(share()) };
}
