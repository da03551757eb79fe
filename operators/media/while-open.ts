import { defer, Observable, Subject, takeUntil } from "rxjs";
import { subscribeInner } from "../../src/subscribe-inner.js";

/**
 * What is made of something that is open, for as long as that lasts. However it ends, closing begins before anybody
 * hears of the end, so that the one who does can open again.
 *
 * @param opened emits what is open, which the unsubscribe closes
 */
export function whileOpen<Opened, T>(
  opened: Observable<Opened>,
  use: (opened: Opened) => Observable<T>,
): Observable<T> {
  return new Observable((subscriber) => {
    const over = new Subject<void>();
    subscribeInner(opened.pipe(takeUntil(over)), subscriber, {
      next: (each) => {
        subscribeInner(
          defer(() => use(each)),
          subscriber,
          {
            next: (value) => {
              subscriber.next(value);
            },
            error: (error: unknown) => {
              over.next();
              subscriber.error(error);
            },
            complete: () => {
              over.next();
              subscriber.complete();
            },
          },
        );
      },
      complete: () => {
        // The end is that of what is made of it.
      },
    });
  });
}
