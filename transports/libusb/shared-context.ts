import { Observable, share } from "rxjs";
import { subscribeInner } from "../../src/subscribe-inner.js";
import { loadAddon, type DeviceChange, type NativeContext } from "./addon.js";

/** The addon's context: there while somebody uses it, and closed with the last. */
export class SharedContext {
  /** Devices that come and go while there is a subscriber. */
  readonly changes: Observable<DeviceChange> = this.use(
    (context) =>
      new Observable<DeviceChange>((subscriber) => {
        context.watch(() => {
          for (const change of context.changes()) subscriber.next(change);
        });
        return () => {
          context.watch();
        };
      }),
  ).pipe(share());
  #context: Promise<NativeContext> | undefined;
  #users = 0;

  /**
   * To be given back with {@link SharedContext.release}, unless it rejects: with `UnsupportedError`
   * `no-addon`, or with what libusb could not be initialised for.
   */
  async acquire(): Promise<NativeContext> {
    this.#users++;
    try {
      this.#context ??= loadAddon().createContext();
      return await this.#context;
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    const context = this.#context;
    this.#context = undefined;
    await context?.then(
      (created) => created.close(),
      () => undefined,
    );
  }

  /** Subscribes to what is made of the context, which is held as long as that is subscribed to. */
  use<T>(project: (context: NativeContext) => Observable<T>): Observable<T> {
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
