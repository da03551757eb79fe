import type { Socket } from "node:net";
import type { ByteStream } from "../byte-stream.js";
import { linger } from "../web-socket/protocols.js";
import { notTaken } from "./errors.js";
import { peerOf } from "./peer.js";

/** Milliseconds that a client may take nothing of what waits for it, where nobody says otherwise. */
export const defaultDrainTimeout = 30_000;

/**
 * A socket, made with `allowHalfOpen`, as a {@link ByteStream}.
 *
 * @param drainTimeout as that of `TcpOptions`
 */
export function tcpStream(socket: Socket, drainTimeout = defaultDrainTimeout): ByteStream {
  return {
    peer: peerOf(socket),
    open: (handler) => {
      let broken: Error | undefined;
      // Starts anew with whatever is sent or received. A callback of `setTimeout` would be called once only.
      socket.setTimeout(drainTimeout);
      socket.on("timeout", () => {
        if (socket.writableLength > 0) socket.destroy(notTaken(drainTimeout));
      });
      socket.on("data", (bytes) => {
        handler.received(bytes);
      });
      socket.on("end", () => {
        handler.ended();
      });
      socket.on("error", (error) => {
        broken = error;
      });
      socket.on("close", () => {
        handler.closed(broken);
      });
    },
    write: (bytes, sent) => {
      socket.write(bytes, () => {
        sent();
      });
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    end: () => {
      // Of a paused socket neither the end nor the error is heard. It closes by itself at the peer's
      // end: closed before, with something unread, the system would drop what the peer has not got.
      socket.resume();
      socket.end();
      const patience = setTimeout(() => {
        socket.destroy();
      }, linger);
      socket.once("close", () => {
        clearTimeout(patience);
      });
    },
    destroy: () => {
      socket.destroy();
    },
  };
}
