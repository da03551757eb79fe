import type { Observable } from "rxjs";
import type { IsochError } from "../../src/index.js";

/**
 * A connection that carries bytes both ways, in order: a TCP socket, a WebSocket, two ends in one
 * program. The one interface that a carrier of the protocol fills in.
 */
export interface ByteStream {
  /** Who is at the other end, such as an address and a port, for people. */
  readonly peer?: string | undefined;
  /** Begins. Called once; nothing is heard before, and nothing within the call. */
  open(handler: ByteStreamHandler): void;
  /**
   * Sends bytes, which belong to the stream until `sent` is called: once it has passed them on, or
   * when it never will.
   */
  write(bytes: Uint8Array, sent: () => void): void;
  /** Asks that nothing be received for now. What is under way may still come, one chunk at most. */
  pause(): void;
  /** Ends {@link ByteStream.pause}. */
  resume(): void;
  /** Sends what was written, as far as the peer takes it in reasonable time, and closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Who hears a {@link ByteStream}. */
export interface ByteStreamHandler {
  /** Bytes came. They are the stream's again when the call returns. */
  received(bytes: Uint8Array): void;
  /** The peer will send no more; it may still listen. */
  ended(): void;
  /** Nothing will come or go any more. Called once, last, whoever closed; `error` says what broke it, if something did. */
  closed(error?: unknown): void;
}

/** Whom a listener hands its connections to; a `UsbipServer` is one. */
export interface StreamAcceptor {
  /** Serves a client. Completes when its stream is closed and everything given back, or errors with what ended it. */
  accept(stream: ByteStream): Observable<never>;
  /** Tells of a client that was turned away before it had a stream. */
  refused(error: IsochError, peer: string | undefined): void;
}
