import { Subscriber, type Observable, type Observer } from "rxjs";

/**
 * Subscribes to a source on behalf of an outer subscriber. The inner subscription is tied to the
 * outer one before the source runs, so that an unsubscribe stops a source that emits while it is
 * being subscribed to. What `observer` leaves out goes on to the outer subscriber, and so does what
 * it throws, as an error.
 *
 * @internal
 */
export function subscribeInner<T>(
  source: Observable<T>,
  outer: Subscriber<unknown>,
  observer: Pick<Observer<T>, "next"> & Partial<Observer<T>>,
): Subscriber<T> {
  const guarded = (act: () => void) => {
    try {
      act();
    } catch (error) {
      outer.error(error);
    }
  };
  // The one public way in RxJS 7 to have a Subscriber before its source runs.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const inner = new Subscriber<T>({
    next: (value: T) => {
      guarded(() => {
        observer.next(value);
      });
    },
    error: (error: unknown) => {
      guarded(() => {
        if (observer.error === undefined) outer.error(error);
        else observer.error(error);
      });
    },
    complete: () => {
      guarded(() => {
        if (observer.complete === undefined) outer.complete();
        else observer.complete();
      });
    },
  });
  outer.add(inner);
  source.subscribe(inner);
  return inner;
}
