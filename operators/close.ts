import { NEVER, Observable, Subscription, type OperatorFunction } from "rxjs";
import type { IsochResults, IsochTransfer, Issuer } from "../src/index.js";
import { subscribeInner } from "../src/subscribe-inner.js";

/**
 * Waits for each transfer, emits its results in the order of issue, and closes it: CloseTransfer.
 *
 * When `notifier` emits, no more is issued, what is in flight drains, and the stream completes.
 * When the source errors, what is still in flight is cancelled, and the error follows the results
 * of what had arrived. An unsubscribe closes every transfer, whatever its state, and emits nothing.
 *
 * Errors: those of the source and of the notifier.
 *
 * @param notifier a value means: come to an end
 *
 * @example
 * ```ts
 * import type { IsochPipe, IsochRequest } from "rx-isoch";
 * import { close, issue } from "rx-isoch/operators";
 * import { timer, type Observable } from "rxjs";
 *
 * export const tenSeconds = (requests: Observable<IsochRequest>, pipe: IsochPipe) =>
 *   requests.pipe(issue(pipe), close(timer(10_000)));
 * ```
 */
export function close(notifier: Observable<unknown> = NEVER): OperatorFunction<IsochTransfer, IsochResults> {
  return (source) =>
    new Observable((subscriber) => {
      /** In the order of issue. */
      const open: IsochTransfer[] = [];
      const issuers = new Set<Issuer>();
      let isEnding = false;
      let end = () => {
        subscriber.complete();
      };
      const upstream = new Subscription();
      const endIfDone = () => {
        if (!isEnding || open.length > 0) return;
        // Whoever goes on with the same pipe finds it given back.
        upstream.unsubscribe();
        end();
      };
      const deliver = () => {
        while (!subscriber.closed && (open[0]?.isComplete === true || open[0]?.isClosed === true)) {
          const transfer = open.shift();
          if (transfer?.isComplete !== true) continue;
          const results = transfer.results();
          try {
            subscriber.next(results);
          } finally {
            if (!transfer.isClosed) transfer.close();
          }
        }
        endIfDone();
      };
      subscriber.add(() => {
        for (const transfer of open) if (!transfer.isClosed) transfer.close();
      });
      subscribeInner(notifier, subscriber, {
        next: () => {
          isEnding = true;
          for (const issuer of issuers) issuer.stop();
          endIfDone();
        },
        complete: () => {
          // Goes on until the source completes.
        },
      });
      if (subscriber.closed) return;
      const inner = subscribeInner(source, subscriber, {
        next: (transfer) => {
          open.push(transfer);
          issuers.add(transfer.issuer);
          if (isEnding) transfer.issuer.stop();
          subscribeInner(transfer.completion, subscriber, { next: () => undefined, complete: deliver });
        },
        error: (error: unknown) => {
          isEnding = true;
          end = () => {
            subscriber.error(error);
          };
          for (const transfer of open) transfer.abort();
          endIfDone();
        },
        complete: () => {
          isEnding = true;
          endIfDone();
        },
      });
      upstream.add(inner);
    });
}
