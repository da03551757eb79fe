import { Subscription, throwError, timeout } from "rxjs";
import { asIsochError } from "../../../src/errors.js";
import { AccessError, type IsochError } from "../../../src/index.js";
import type { ByteStream, StreamAcceptor } from "../byte-stream.js";
import { firstMessage } from "../first-message.js";
import { encodeTokenReply, tokenBytes, tokenRequest, tokenStatus } from "../protocol/token.js";
import { Token } from "./token.js";

/** Lets nobody in to a server who does not begin with the token. */
export class TokenGate {
  readonly #acceptor: StreamAcceptor;
  readonly #token: Token;
  readonly #patience: number;
  readonly #asking = new Subscription();

  /** @param patience milliseconds in which the token must have come, whole */
  constructor(acceptor: StreamAcceptor, token: string, patience: number) {
    this.#acceptor = acceptor;
    this.#token = new Token(tokenBytes(token));
    this.#patience = patience;
  }

  /** Closes whoever has not given it yet; nobody comes in any more. */
  close(): void {
    this.#asking.unsubscribe();
  }

  /** Hears the token, answers it, and hands the connection over or closes it. */
  admit(stream: ByteStream): void {
    const late = (): IsochError =>
      new AccessError("access-denied", `a client did not give the token in ${this.#patience} ms: it was closed`);
    let isAnswered = false;
    const asking = firstMessage(stream, tokenRequest)
      .pipe(timeout({ first: this.#patience, with: () => throwError(late) }))
      .subscribe({
        next: ({ message, rest }) => {
          isAnswered = true;
          const isAdmitted = this.#token.matches(message);
          rest.write(encodeTokenReply(isAdmitted ? tokenStatus.admitted : tokenStatus.refused), () => undefined);
          if (isAdmitted) this.#accept(rest);
          else {
            rest.end();
            this.#refuse(
              new AccessError("access-denied", "a client gave another token: give it the one of this server"),
              stream,
            );
          }
        },
        error: (error: unknown) => {
          this.#refuse(asIsochError(error), stream);
        },
      });
    asking.add(() => {
      if (!isAnswered) stream.destroy();
    });
    this.#asking.add(asking);
  }

  #accept(stream: ByteStream): void {
    this.#acceptor.accept(stream).subscribe({
      // Told by the acceptor.
      error: () => undefined,
    });
  }

  #refuse(error: IsochError, { peer }: ByteStream): void {
    this.#acceptor.refused(error, peer);
  }
}
