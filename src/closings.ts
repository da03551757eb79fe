import { AsyncSubject, concat, defer, EMPTY, type Observable } from "rxjs";
import { settled } from "./teardown.js";

/** By transport or device: the last that began to close there, and all before it. */
const closings = new WeakMap<object, Observable<never>>();

/**
 * Completes when nothing is closing on a transport or a device any more, however that went: what was at the
 * subscription, and what began to meanwhile. Who opens waits for it: to switch from one stream to another on
 * the same interface is to close the one and to open the other.
 *
 * @internal
 */
export function closingOn(origin: object): Observable<never> {
  return defer(() => {
    const closing = closings.get(origin);
    if (closing === undefined) return EMPTY;
    return concat(
      settled(closing),
      defer(() => (closings.get(origin) === closing ? EMPTY : closingOn(origin))),
    );
  });
}

/**
 * Keeps those who open waiting until a close is done. The close itself has begun, and waits for no other.
 *
 * @param closed completes when it is closed; errors with what went wrong in closing
 * @returns the same, once what was closing there before is closed, too
 * @internal
 */
export function closeOn(origin: object, closed: Observable<never>): Observable<never> {
  const closing = new AsyncSubject<never>();
  concat(settled(closings.get(origin) ?? EMPTY), closed).subscribe(closing);
  closings.set(origin, closing);
  return closing.asObservable();
}
