import { AccessError, TransportError, type IsochError } from "../../../src/index.js";

/** A peer that does not take what waits for it. */
export function notTaken(milliseconds: number): IsochError {
  return new TransportError(
    "transport-failed",
    `the peer took nothing of what waits for it in ${milliseconds} ms: look at the network and at the peer; a server can allow a longer drainTimeout`,
  );
}

/** A peer of which nothing is heard. */
export function silent(milliseconds: number): IsochError {
  return new TransportError(
    "transport-failed",
    `nothing was heard of the peer in ${milliseconds} ms, though it was asked: look at the network, or allow a longer drainTimeout`,
  );
}

/** A client beyond the limit. */
export function tooMany(connections: number): IsochError {
  return new TransportError(
    "transport-failed",
    `${connections} connections are open, and more are refused: close some, or allow more connections`,
  );
}

/** A request that something else on the same server has answered. */
export function takenElsewhere(cause: unknown): IsochError {
  return new TransportError(
    "transport-failed",
    "something else on this server takes the same requests for a WebSocket: give each a path of its own",
    { cause },
  );
}

/** Why there is no listening, from an error of Node. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): IsochError {
  const details = { native: error.code, cause: error };
  if (error.code === "EACCES") {
    return new AccessError("access-denied", `port ${port} is not for everybody: choose one above 1023`, details);
  }
  const advice = error.code === "EADDRINUSE" ? "choose another port, or end what listens there" : "choose another host";
  return new TransportError(
    "transport-failed",
    `cannot listen on ${host}:${port} (${error.message}): ${advice}`,
    details,
  );
}
