import type { ByteStream } from "rx-isoch/transports/usbip";
import {
  ByteQueue,
  deviceListReply,
  errno,
  importReply,
  MessageDecoder,
  operationRequest,
  urbCommandMessage,
  urbReplyMessage,
  type OperationRequest,
  type SubmitCommand,
  type UrbCommand,
  type UrbReply,
  type UsbipLimits,
} from "../../../../transports/usbip/protocol/index.js";

/** What of a conversation came about. */
export interface Overheard {
  imported: boolean;
  isochronous: number;
  unlinks: number;
  /** Replies to isochronous transfers that moved something. */
  moved: number;
  takenBack: number;
  tooLate: number;
}

/**
 * The client's end of a conversation. It reads what the client says as a server has to, and so knows what the server
 * may answer: nothing but what was asked, each once, and in a form that can be read.
 */
export class Overhearer {
  readonly heard: Overheard = { imported: false, isochronous: 0, unlinks: 0, moved: 0, takenBack: 0, tooLate: 0 };
  readonly #stream: ByteStream;
  readonly #said = new ByteQueue();
  readonly #requests = new MessageDecoder(this.#said, operationRequest);
  readonly #commands: MessageDecoder<UrbCommand>;
  readonly #answers = new ByteQueue();
  readonly #lists = new MessageDecoder(this.#answers, deviceListReply);
  readonly #imports = new MessageDecoder(this.#answers, importReply);
  readonly #replies = new MessageDecoder(this.#answers, () =>
    urbReplyMessage((seqnum) => this.#submits.get(seqnum)?.[0]),
  );
  /** Of a number that is used again, the oldest is answered first. */
  readonly #submits = new Map<number, SubmitCommand[]>();
  readonly #unlinks = new Map<number, number[]>();
  #request: OperationRequest | undefined;
  #isSenseless = false;
  #failure: Error | undefined;
  #hasEnded = false;
  isClosed = false;

  constructor(stream: ByteStream, limits: UsbipLimits) {
    this.#stream = stream;
    this.#commands = new MessageDecoder(this.#said, () => urbCommandMessage(limits));
    stream.open({
      received: (bytes) => {
        this.#answers.push(bytes);
        this.#attempt(() => {
          this.#listen();
        });
      },
      ended: () => {
        this.#attempt(() => {
          if (this.#answers.length > 0) throw new Error("the last answer is not whole");
        });
        this.end();
      },
      closed: () => {
        this.isClosed = true;
      },
    });
  }

  /** What the server did that it may not. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  end(): void {
    this.#hasEnded = true;
    this.#stream.end();
  }

  say(bytes: Uint8Array): void {
    if (this.isClosed || this.#hasEnded) return;
    this.#overhear(bytes);
    this.#stream.write(bytes, () => undefined);
  }

  #overhear(bytes: Uint8Array): void {
    if (this.#isSenseless) return;
    this.#said.push(bytes);
    try {
      if (this.#request === undefined) this.#request = this.#requests.read();
      if (this.#request?.type !== "import-request") return;
      for (let command = this.#commands.read(); command !== undefined; command = this.#commands.read()) {
        this.#note(command);
      }
    } catch {
      this.#isSenseless = true;
    }
  }

  #note(command: UrbCommand): void {
    if (command.type === "unlink") {
      this.heard.unlinks++;
      put(this.#unlinks, command.seqnum, command.target);
    } else {
      // Of a control transfer packets are not read, whatever number of them stands there.
      const packets = command.endpoint === 0 ? undefined : command.packets;
      if (packets !== undefined) this.heard.isochronous++;
      put(this.#submits, command.seqnum, { ...command, packets });
    }
  }

  #listen(): void {
    if (this.#request === undefined) throw new Error("an answer to nothing");
    if (this.#request.type === "device-list-request") {
      this.#lists.read();
      return;
    }
    if (!this.heard.imported) {
      const reply = this.#imports.read();
      if (reply?.device === undefined) return;
      this.heard.imported = true;
    }
    for (let reply = this.#replies.read(); reply !== undefined; reply = this.#replies.read()) this.#take(reply);
  }

  #take(reply: UrbReply): void {
    if (reply.type === "submit-reply") {
      drop(this.#submits, reply.seqnum);
      if (reply.packets !== undefined && reply.actualLength > 0) this.heard.moved++;
      return;
    }
    const target = drop(this.#unlinks, reply.seqnum);
    if (target === undefined) throw new Error(`an answer to the unlink ${reply.seqnum}, which waits for none`);
    if (reply.status === errno.ECONNRESET) {
      this.heard.takenBack++;
      drop(this.#submits, target);
    } else if (reply.status === 0) this.heard.tooLate++;
    else throw new Error(`an unlink with the status ${reply.status}`);
  }

  #attempt(work: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }
}

function put<T>(queues: Map<number, T[]>, key: number, value: T): void {
  const queue = queues.get(key);
  if (queue === undefined) queues.set(key, [value]);
  else queue.push(value);
}

function drop<T>(queues: Map<number, T[]>, key: number): T | undefined {
  const queue = queues.get(key);
  const first = queue?.shift();
  if (queue?.length === 0) queues.delete(key);
  return first;
}
