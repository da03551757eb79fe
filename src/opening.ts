import { AsyncSubject, Observable } from "rxjs";
import { closeOn } from "./closings.js";
import type { IsochTransport, TransportDevice } from "./transport.js";

/**
 * `open` of a transport that opens devices with promises: at each subscription. What is open only after the
 * unsubscribe is closed again, and whoever opens on the transport next waits until it is.
 * @internal
 */
export function opening(transport: IsochTransport, open: () => Promise<TransportDevice>): Observable<TransportDevice> {
  return new Observable((subscriber) => {
    const undone = new AsyncSubject<never>();
    let isOver = false;
    subscriber.add(() => {
      if (!isOver) void closeOn(transport, undone);
    });
    open().then(
      (device) => {
        isOver = true;
        if (subscriber.closed) {
          device.close().subscribe(undone);
          return;
        }
        subscriber.next(device);
        subscriber.complete();
      },
      (error: unknown) => {
        isOver = true;
        if (subscriber.closed) undone.complete();
        else subscriber.error(error);
      },
    );
  });
}
