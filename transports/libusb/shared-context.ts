import { Observable, share } from "rxjs";
import { loadAddon, type DeviceChange, type NativeContext } from "./addon.js";

/** The addon's context: there while somebody uses it, and closed with the last. */
export class SharedContext {
  /** Devices that come and go while there is a subscriber. */
  readonly changes: Observable<DeviceChange> = new Observable<DeviceChange>((subscriber) => {
    const context = this.acquire();
    context.watch(() => {
      for (const change of context.changes()) subscriber.next(change);
    });
    return () => {
      context.watch();
      this.release();
    };
  }).pipe(share());
  #context: NativeContext | undefined;
  #users = 0;

  /**
   * To be given back with {@link SharedContext.release}.
   *
   * @throws `UnsupportedError` `no-addon`; what libusb could not be initialised for
   */
  acquire(): NativeContext {
    this.#context ??= new (loadAddon().Context)();
    this.#users++;
    return this.#context;
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#context?.close();
    this.#context = undefined;
  }

  /** Does something that needs the context only meanwhile. */
  with<T>(work: (context: NativeContext) => T): T {
    const context = this.acquire();
    try {
      return work(context);
    } finally {
      this.release();
    }
  }
}
