import { Observable } from "rxjs";
import { AccessError, TransportError } from "../../../src/index.js";
import { asIsochError } from "../../../src/errors.js";
import { subscribeInner } from "../../../src/subscribe-inner.js";
import type { ByteStream } from "../byte-stream.js";
import { firstMessage } from "../first-message.js";
import { encodeTokenRequest, tokenReply, tokenStatus } from "../protocol/token.js";

/**
 * Offers a token before anything else, and emits the connection once the server has taken it. An unsubscribe before
 * that closes the connection.
 *
 * Errors: `AccessError` `access-denied` where the server refuses the token; `TransportError`.
 */
export function offerToken(stream: ByteStream, token: string): Observable<ByteStream> {
  return new Observable<ByteStream>((subscriber) => {
    let isTaken = false;
    subscriber.add(() => {
      if (!isTaken) stream.destroy();
    });
    subscribeInner(firstMessage(stream, tokenReply), subscriber, {
      next: ({ message, rest }) => {
        if (message !== tokenStatus.admitted) {
          subscriber.error(
            new AccessError("access-denied", "the USB/IP server refused the token: use the one that it was given", {
              native: message,
            }),
          );
          return;
        }
        isTaken = true;
        subscriber.next(rest);
      },
      error: (error: unknown) => {
        const cause = asIsochError(error);
        subscriber.error(
          new TransportError(
            cause.code === "protocol-error" ? "protocol-error" : "transport-failed",
            `the USB/IP server did not take the token (${cause.message}): see that it is a bridge, and demands one`,
            { native: cause.native, cause },
          ),
        );
      },
    });
    stream.write(encodeTokenRequest(token), () => undefined);
  });
}
