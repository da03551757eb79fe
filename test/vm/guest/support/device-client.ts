import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { AnswerLine, DeviceRequests } from "../../device-requests.js";
import { host } from "./monitor.js";
import { setting } from "./share.js";

/** A connection to the device server of the host. What is plugged in over it goes when it is closed. */
export class DeviceClient {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async connect(): Promise<DeviceClient> {
    const socket = connect({ port: Number(setting("VM_DEVICE_PORT")), host, noDelay: true });
    const client = new DeviceClient(socket);
    await once(socket, "connect");
    return client;
  }

  /** Sends at once; answers come in the order of the requests. */
  request<Name extends keyof DeviceRequests>(
    request: Name,
    argument: DeviceRequests[Name]["argument"],
  ): Promise<DeviceRequests[Name]["answer"]> {
    this.#socket.write(`${JSON.stringify({ request, argument })}\n`);
    const answered = this.#last.then(() => this.#answer(request));
    this.#last = answered.catch(() => undefined);
    return answered;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #answer<Name extends keyof DeviceRequests>(request: Name): Promise<DeviceRequests[Name]["answer"]> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the device server hung up on the request ${request}`);
    const reply = JSON.parse(line.value) as AnswerLine;
    if ("error" in reply) throw new Error(`${request}: ${reply.error}`);
    return reply.answer as DeviceRequests[Name]["answer"];
  }
}
