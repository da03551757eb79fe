import { catchError, mergeMap, Observable, take, throwError, throwIfEmpty, timeout } from "rxjs";
import { asIsochError } from "../../../src/errors.js";
import { IsochError } from "../../../src/index.js";
import type { ByteStream } from "../byte-stream.js";
import {
  ByteQueue,
  encodeMessage,
  MessageDecoder,
  type MessageParser,
  type OperationReply,
  type OperationRequest,
} from "../protocol/index.js";
import { connectionFailed, notAnswered } from "./errors.js";
import { Link } from "./link.js";

/** How to reach a server. */
export interface ServerAccess {
  /** Makes a connection at each subscription. */
  readonly connect: Observable<ByteStream>;
  /** Milliseconds for whatever a server has to answer. */
  readonly timeout: number;
}

/** What a server has answered, and the connection, which is the receiver's to close. */
export interface Exchanged<R> {
  readonly reply: R;
  readonly link: Link;
}

/**
 * Connects, asks a server for something, and emits its answer. An unsubscribe before that closes the
 * connection.
 *
 * Errors: {@link TransportError}, or what `connect` errors with where that is one of ours.
 */
export function exchange<R extends OperationReply>(
  { connect, timeout: milliseconds }: ServerAccess,
  request: OperationRequest,
  begin: () => MessageParser<R>,
): Observable<Exchanged<R>> {
  return connect.pipe(
    take(1),
    throwIfEmpty(() => connectionFailed("there was no connection to the USB/IP server")),
    mergeMap((stream) => ask(stream, request, begin)),
    timeout({ first: milliseconds, with: () => throwError(() => notAnswered("connect and answer", milliseconds)) }),
    catchError((error: unknown) =>
      throwError(() =>
        IsochError.is(error)
          ? error
          : connectionFailed(`no connection to the USB/IP server (${asIsochError(error).message})`, error),
      ),
    ),
  );
}

function ask<R extends OperationReply>(
  stream: ByteStream,
  request: OperationRequest,
  begin: () => MessageParser<R>,
): Observable<Exchanged<R>> {
  return new Observable<Exchanged<R>>((subscriber) => {
    const queue = new ByteQueue();
    const decoder = new MessageDecoder(queue, begin);
    let isHandedOver = false;
    const link = new Link(stream, {
      received: (bytes) => {
        try {
          queue.push(bytes);
          const reply = decoder.read();
          if (reply === undefined) return;
          isHandedOver = true;
          link.rest = queue.take(queue.length);
          subscriber.next({ reply, link });
          subscriber.complete();
        } catch (error) {
          subscriber.error(error);
        }
      },
      ended: () => {
        try {
          decoder.finish();
          subscriber.error(
            connectionFailed(
              "the USB/IP server closed the connection without an answer, as one does that wants a token",
            ),
          );
        } catch (error) {
          subscriber.error(error);
        }
      },
      closed: (error) => {
        subscriber.error(connectionFailed("the connection to the USB/IP server broke before an answer came", error));
      },
    });
    subscriber.add(() => {
      if (!isHandedOver) link.destroy();
    });
    link.write(encodeMessage(request));
  });
}
