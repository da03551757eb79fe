/**
 * What is used of a `WebSocket`, the one of browsers and of Node from version 22, or that of a library
 * such as `ws`.
 */
export interface WebSocketLike {
  /** Set to `arraybuffer`. */
  binaryType: string;
  /** Bytes that were sent and have not left this machine. */
  readonly bufferedAmount: number;
  /** 1 while it is open. */
  readonly readyState: number;
  /** Called when it is open. */
  onopen: ((event: never) => unknown) | null;
  /** Called with a {@link WebSocketMessage}. */
  onmessage: ((event: never) => unknown) | null;
  /** Called before {@link WebSocketLike.onclose}, where something broke it. */
  onerror: ((event: never) => unknown) | null;
  /** Called with a {@link WebSocketClose}. */
  onclose: ((event: never) => unknown) | null;
  /** Sends a message, of which it has a copy when the call returns. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Begins to close. */
  close(code?: number, reason?: string): void;
  /** Closes at once, where there is such a thing: in `ws`, not in a browser. */
  terminate?(): void;
}

/** The event of a message. */
export interface WebSocketMessage {
  readonly data: unknown;
}

/** The event of the end. */
export interface WebSocketClose {
  readonly code: number;
  readonly reason: string;
}

/** The class of a {@link WebSocketLike}. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;
