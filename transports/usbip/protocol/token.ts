import { AccessError, InvalidRequestError } from "../../../src/index.js";
import type { MessageParser } from "./decode.js";
import { operationHeaderSize, protocolError, protocolVersion, viewOf } from "./wire.js";

/**
 * What goes before USB/IP where a server demands a token, in the form of its operations: a request with version, code
 * and status, then 16 bits for the form of what follows, 16 for the bytes of the token, and these; and a reply of
 * version, code and status. The code is ours, "rx": no other implementation knows it.
 */
const code = { request: 0xf278, reply: 0x7278 } as const;
const form = 1;
const formSize = 4;
/** The reply to a token. */
export const tokenStatus = { admitted: 0, refused: 1 } as const;

/** Characters of a token, at least: fewer could be guessed. At most: a header of HTTP has to hold it. */
const lengths = { min: 16, max: 1024 } as const;
/** UTF-8 has three bytes for a character of JavaScript at most. */
const longest = 3 * lengths.max;

/**
 * The token, if it is one that may be used.
 *
 * @throws {@link InvalidRequestError} `invalid-option`
 */
export function checkedToken(token: string): string {
  if (token.length >= lengths.min && token.length <= lengths.max) return token;
  throw new InvalidRequestError(
    "invalid-option",
    `a token has ${lengths.min} to ${lengths.max} characters, drawn at random: crypto.randomBytes(32).toString("hex")`,
  );
}

/** The bytes of a token on the wire. */
export function tokenBytes(token: string): Uint8Array {
  return new TextEncoder().encode(token);
}

/** The request of a client. */
export function encodeTokenRequest(token: string): Uint8Array {
  const offered = tokenBytes(token);
  const bytes = new Uint8Array(operationHeaderSize + formSize + offered.length);
  const view = viewOf(bytes);
  view.setUint16(0, protocolVersion);
  view.setUint16(2, code.request);
  view.setUint16(operationHeaderSize, form);
  view.setUint16(operationHeaderSize + 2, offered.length);
  bytes.set(offered, operationHeaderSize + formSize);
  return bytes;
}

/** The reply of a server. */
export function encodeTokenReply(status: number): Uint8Array {
  const bytes = new Uint8Array(operationHeaderSize);
  const view = viewOf(bytes);
  view.setUint16(0, protocolVersion);
  view.setUint16(2, code.reply);
  view.setUint32(4, status);
  return bytes;
}

/** Reads the token that a client offers, whatever that is. */
export function* tokenRequest(): MessageParser<Uint8Array> {
  const header = viewOf(yield operationHeaderSize);
  if (header.getUint16(0) !== protocolVersion || header.getUint16(2) !== code.request) {
    throw new AccessError(
      "access-denied",
      "a client asked for something without the token: give it the one that the server was given",
    );
  }
  const what = viewOf(yield formSize);
  if (what.getUint16(0) !== form) throw protocolError(`offered a token in the unknown form ${what.getUint16(0)}`);
  const length = what.getUint16(2);
  if (length > longest) throw protocolError(`offered a token of ${length} bytes, and ${longest} are the most`);
  return yield length;
}

/** Reads what a server says of a token: {@link tokenStatus}. */
export function* tokenReply(): MessageParser<number> {
  const header = viewOf(yield operationHeaderSize);
  if (header.getUint16(0) === protocolVersion && header.getUint16(2) === code.reply) return header.getUint32(4);
  throw protocolError("answered a token with something else");
}
