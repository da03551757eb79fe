import { AsyncSubject, type Observable } from "rxjs";
import type { PipeSession } from "./session.js";

/**
 * An endpoint of a device that somebody uses.
 * @internal
 */
export class OpenedEndpoint {
  session: PipeSession | undefined;
  /** Its user lost interest before the session was there. */
  abandoned = false;
  readonly #left = new AsyncSubject<never>();

  get isLeaving(): boolean {
    return this.session?.isClosing ?? this.abandoned;
  }

  /** Completes when the endpoint is free again; errors if something went wrong in giving it back. */
  get left(): Observable<never> {
    return this.#left.asObservable();
  }

  leave(): void {
    this.#left.complete();
  }

  fail(error: unknown): void {
    this.#left.error(error);
  }
}
