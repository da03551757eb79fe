import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { DeviceBench, loopback } from "./device-bench.js";
import type { AnswerLine, RequestLine } from "./device-requests.js";

/** Where tests in the guest get devices from that run on the host, at native speed. */
export interface DeviceServer {
  /** The TCP port of 127.0.0.1 that takes a {@link RequestLine} of JSON a line, and gives as many {@link AnswerLine}s. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts the device server. Each connection has a bus of its own; what it plugged in goes when it
 * ends, however that comes about.
 *
 * @param exportedAt the address of this machine at which the guest finds the devices
 */
export async function startDeviceServer(exportedAt = loopback): Promise<DeviceServer> {
  const serving = new Map<Socket, Promise<void>>();
  const server = createServer({ noDelay: true }, (socket) => {
    const served = serve(socket, exportedAt).finally(() => serving.delete(socket));
    serving.set(socket, served);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      for (const socket of serving.keys()) socket.destroy();
      await Promise.all(serving.values());
    },
  };
}

async function serve(socket: Socket, exportedAt: string): Promise<void> {
  const bench = new DeviceBench(exportedAt);
  // The lines end with the socket, whichever way that ends.
  socket.on("error", () => socket.destroy());
  const lines = createInterface({ input: socket });
  socket.once("close", () => {
    lines.close();
  });
  try {
    for await (const line of lines) socket.write(`${JSON.stringify(await answer(bench, line))}\n`);
  } finally {
    socket.destroy();
    await bench.close();
  }
}

async function answer(bench: DeviceBench, line: string): Promise<AnswerLine> {
  try {
    return { answer: await bench.answer(JSON.parse(line) as RequestLine) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
