import { AsyncSubject, concat, defer, EMPTY, type Observable } from "rxjs";
import { settled } from "./teardown.js";

/** By transport or device: the last that began to close there. */
const closings = new WeakMap<object, Observable<never>>();

/**
 * Completes when what was closing on a transport or a device at the subscription is closed, however that
 * went. Who opens waits for it: to switch from one stream to another on the same interface is to close
 * the one and to open the other.
 *
 * @internal
 */
export function closingOn(origin: object): Observable<never> {
  return defer(() => settled(closings.get(origin) ?? EMPTY));
}

/**
 * Runs a close, once what was closing there before is closed. Starts at once, without a subscription.
 *
 * @returns completes when it is closed; errors with what went wrong in closing
 * @internal
 */
export function closeOn(origin: object, close: () => Observable<never>): Observable<never> {
  const closing = new AsyncSubject<never>();
  concat(closingOn(origin), defer(close)).subscribe(closing);
  closings.set(origin, closing);
  return closing.asObservable();
}
