import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setting } from "./share.js";

/** The host, as the guest's network has it. */
export const host = "10.0.2.2";

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** Has QEMU's monitor execute a command, for example `device_del`, and returns its answer. */
export async function monitor(
  command: string,
  args: Readonly<Record<string, string | boolean>> = {},
): Promise<unknown> {
  const socket = connect(Number(setting("VM_MONITOR_PORT")), host);
  try {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const next = async (): Promise<Reply> => {
      const line = await lines.next();
      if (line.done) throw new Error("the monitor hung up");
      return JSON.parse(line.value) as Reply;
    };
    const execute = async (request: object): Promise<unknown> => {
      socket.write(`${JSON.stringify(request)}\n`);
      for (;;) {
        const reply = await next();
        if (reply.error) throw new Error(reply.error.desc);
        // Anything else is an event.
        if ("return" in reply) return reply.return;
      }
    };
    await once(socket, "connect");
    await next();
    await execute({ execute: "qmp_capabilities" });
    return await execute({ execute: command, arguments: args });
  } finally {
    socket.destroy();
  }
}
