import { Observable, type MonoTypeOperatorFunction } from "rxjs";
import type { IsochTransfer } from "../src/index.js";
import { subscribeInner } from "../src/subscribe-inner.js";

/**
 * Cancels what is in flight whenever `notifier` emits: AbortTransfer. What had arrived is kept:
 * the transfers complete with it, and the frames that had not had their turn read `not-complete`.
 *
 * The transfers themselves go on at once; only the completion waits, until each transfer that went
 * through is complete, so that the last of them can be cancelled too. Transfers that are issued
 * after the notification are not touched. A notifier that completes changes nothing.
 *
 * Errors: those of the source and of the notifier. An unsubscribe cancels nothing by itself; the
 * operator `issue`, upstream, does.
 *
 * @param notifier a value means: cancel now
 *
 * @example
 * ```ts
 * import type { IsochPipe, IsochRequest } from "rx-isoch";
 * import { abort, close, issue } from "rx-isoch/operators";
 * import type { Observable } from "rxjs";
 *
 * export const stoppable = (requests: Observable<IsochRequest>, pipe: IsochPipe, panic: Observable<unknown>) =>
 *   requests.pipe(issue(pipe), abort(panic), close());
 * ```
 */
export function abort(notifier: Observable<unknown>): MonoTypeOperatorFunction<IsochTransfer> {
  return (source) =>
    new Observable((subscriber) => {
      const inFlight = new Set<IsochTransfer>();
      let isSourceComplete = false;
      const completeIfDone = () => {
        if (isSourceComplete && inFlight.size === 0) subscriber.complete();
      };
      subscribeInner(notifier, subscriber, {
        next: () => {
          for (const transfer of inFlight) transfer.abort();
        },
        complete: () => {
          // What was cancelled stays cancelled; nothing else will be.
        },
      });
      if (subscriber.closed) return;
      subscribeInner(source, subscriber, {
        next: (transfer) => {
          inFlight.add(transfer);
          subscribeInner(transfer.completion, subscriber, {
            next: () => undefined,
            complete: () => {
              inFlight.delete(transfer);
              completeIfDone();
            },
          });
          subscriber.next(transfer);
        },
        complete: () => {
          isSourceComplete = true;
          completeIfDone();
        },
      });
    });
}
