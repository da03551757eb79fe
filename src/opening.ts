import { Observable } from "rxjs";
import type { TransportDevice } from "./transport.js";

/**
 * `open` of a transport that opens devices with promises: at each subscription. What
 * is open only after the unsubscribe is closed again.
 * @internal
 */
export function opening(open: () => Promise<TransportDevice>): Observable<TransportDevice> {
  return new Observable((subscriber) => {
    open().then(
      (device) => {
        if (subscriber.closed) {
          device.close().subscribe({ error: () => undefined });
          return;
        }
        subscriber.next(device);
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
  });
}
