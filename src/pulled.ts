import { Observable } from "rxjs";

/**
 * What values are pulled from.
 * @internal
 */
export interface Puller<T> {
  readonly next: () => Promise<IteratorResult<T, unknown>>;
  /** Nobody wants more. What it fails with is nobody's business. */
  readonly cancel: () => Promise<void> | undefined;
}

/**
 * Something that is pulled from, as an Observable of one async iterable, which lasts as long as that:
 * it completes and errors as the iterable ends. Each value is fetched when it is asked for. An
 * unsubscribe, and a loop that is left, cancel it; a value that was waited for then does not come.
 *
 * @param describe what is emitted, of the iterable
 * @internal
 */
export function pulled<T, R>(open: () => Puller<T>, describe: (values: AsyncIterable<T>) => R): Observable<R> {
  return new Observable((subscriber) => {
    const puller = open();
    const done: IteratorResult<T, undefined> = { done: true, value: undefined };
    const waiting = new Set<(result: IteratorResult<T, undefined>) => void>();
    let isOver = false;
    subscriber.add(() => {
      if (isOver) return;
      isOver = true;
      for (const resolve of waiting) resolve(done);
      new Promise<void>((resolve) => {
        resolve(puller.cancel());
      }).catch(() => undefined);
    });
    const iterator: AsyncIterableIterator<T, undefined> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () =>
        new Promise((resolve, reject) => {
          if (isOver) {
            resolve(done);
            return;
          }
          waiting.add(resolve);
          puller.next().then(
            (result) => {
              waiting.delete(resolve);
              if (result.done !== true) {
                resolve(result);
                return;
              }
              if (!isOver) {
                isOver = true;
                subscriber.complete();
              }
              resolve(done);
            },
            (error: unknown) => {
              waiting.delete(resolve);
              if (!isOver) subscriber.error(error);
              // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as it came
              reject(error);
            },
          );
        }),
      return: () => {
        subscriber.complete();
        return Promise.resolve(done);
      },
    };
    subscriber.next(describe(iterator));
  });
}
