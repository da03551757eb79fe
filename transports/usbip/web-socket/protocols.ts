/** The subprotocol under which USB/IP goes over a WebSocket. */
export const subprotocol = "rx-isoch.usbip";

/**
 * Bytes of a message, at most: what is longer goes in several, for their borders mean nothing. A
 * receiver has to hold all of a message before it sees any.
 */
export const longestMessage = 1 << 20;

/** Milliseconds that a peer has to take what was written before the end, and to close as well. */
export const linger = 2000;

/**
 * How a token is offered: as one more subprotocol, for a browser sends nothing else of a program's in
 * the request. Its UTF-8 in hexadecimal, as a subprotocol has no room for every character. It is never
 * the one that the server selects, so no response repeats it.
 */
export function tokenProtocol(token: string): string {
  const bytes = new TextEncoder().encode(token);
  return tokenPrefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** With what every {@link tokenProtocol} begins. */
export const tokenPrefix = "rx-isoch.token.";

/** The parts of bytes that go in a message each; one at least. */
export function* inMessages(bytes: Uint8Array): Generator<Uint8Array> {
  if (bytes.length <= longestMessage) yield bytes;
  else for (let at = 0; at < bytes.length; at += longestMessage) yield bytes.subarray(at, at + longestMessage);
}
