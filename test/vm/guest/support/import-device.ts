import { connect, type Socket } from "node:net";
import {
  ByteQueue,
  encodeMessage,
  importReply,
  type ImportReply,
  MessageDecoder,
  usbipStatus,
} from "../../../../transports/usbip/protocol/index.js";

/** What a USB/IP server exports a device by. */
export interface UsbipAddress {
  readonly host: string;
  readonly port: number;
  readonly busId: string;
}

/** A connection over which transfers can go, as vhci_hcd wants to have it. */
export interface ImportedConnection {
  /** The number of its file, which nobody reads any more. */
  readonly descriptor: number;
  readonly deviceId: number;
  /** Closes the file, and the connection unless somebody else holds it. */
  readonly close: () => void;
}

/**
 * Imports a device and hands out the socket: what the program `usbip` does, without the second that
 * starting it takes in emulation.
 */
export async function importDevice({ host, port, busId }: UsbipAddress): Promise<ImportedConnection> {
  const queue = new ByteQueue();
  const replies = new MessageDecoder(queue, importReply);
  let reply: ImportReply | undefined;
  let replied: (() => void) | undefined;
  const socket = connect({
    host,
    port,
    noDelay: true,
    // Only so does a pause stop Node from reading, which is the kernel's from here on.
    onread: {
      buffer: new Uint8Array(4096),
      callback: (length, bytes) => {
        queue.push(bytes.subarray(0, length));
        try {
          reply = replies.read();
        } catch (error) {
          socket.destroy(error as Error);
        }
        if (reply !== undefined) replied?.();
        return reply === undefined;
      },
    },
  });
  try {
    socket.write(encodeMessage({ type: "import-request", busId }));
    await new Promise<void>((resolve, reject) => {
      replied = resolve;
      socket.once("error", reject).once("close", () => {
        reject(new Error(`the server hung up on the import of ${busId}`));
      });
    });
    const { status, device } = reply ?? {};
    if (status !== usbipStatus.ok || device === undefined)
      throw new Error(`the server refuses ${busId}: status ${String(status)}`);
    return {
      descriptor: descriptorOf(socket),
      deviceId: device.busNumber * 0x10000 + device.deviceNumber,
      close: () => socket.destroy(),
    };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Node knows the number, and has no public name for it. */
function descriptorOf(socket: Socket): number {
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  if (!Number.isInteger(fd) || fd < 0) throw new Error("this Node does not tell the descriptor of a socket");
  return fd;
}
