import type { ByteStream } from "rx-isoch/transports/usbip";
import {
  ByteQueue,
  deviceListReply,
  encodeMessage,
  importReply,
  MessageDecoder,
  urbFlags,
  urbReplyMessage,
  type DeviceListReply,
  type ImportReply,
  type SubmitCommand,
  type SubmitReply,
  type UrbReply,
  type UsbipMessage,
} from "../../../transports/usbip/protocol/index.js";

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Fields of a submit that a test sets; the rest is as vhci sets it. */
export type SubmitFields = Partial<SubmitCommand> & Pick<SubmitCommand, "direction" | "endpoint">;

/**
 * A small client that believes nothing: a reply to what was not asked, a second reply, a reply after
 * an unlink was answered, or bytes after the last message fail the test.
 */
export class StrictClient {
  /** Replies to submits, in the order they came. */
  readonly order: number[] = [];
  readonly #stream: ByteStream;
  readonly #queue = new ByteQueue();
  readonly #submitted = new Map<number, SubmitCommand>();
  readonly #waiting = new Map<number, Waiting<UrbReply>>();
  readonly #targets = new Map<number, number>();
  /** Submits that an unlink was said to have taken back. */
  readonly #takenBack = new Set<number>();
  readonly #replies = new MessageDecoder(this.#queue, () => urbReplyMessage((seqnum) => this.#submitted.get(seqnum)));
  #operation: (() => void) | undefined;
  #failOperation: ((reason: Error) => void) | undefined;
  #seqnum = 0;
  #deviceId = 0;
  #isClosed = false;
  #failure: Error | undefined;
  readonly closed: Promise<void>;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => {
      stream.open({
        received: (bytes) => {
          this.#queue.push(bytes);
          this.#read();
        },
        ended: () => {
          stream.end();
        },
        closed: () => {
          this.#isClosed = true;
          const reason = this.#failure ?? new Error("closed");
          for (const { reject } of this.#waiting.values()) reject(reason);
          this.#waiting.clear();
          this.#failOperation?.(reason);
          resolve();
        },
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What the server did that it may not. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  list(): Promise<DeviceListReply> {
    this.send({ type: "device-list-request" });
    return this.#operate(new MessageDecoder(this.#queue, deviceListReply));
  }

  async import(busId = "1-1"): Promise<ImportReply> {
    this.send({ type: "import-request", busId });
    const reply = await this.#operate(new MessageDecoder(this.#queue, importReply));
    if (reply.device !== undefined) this.#deviceId = reply.device.busNumber * 0x10000 + reply.device.deviceNumber;
    return reply;
  }

  /** Submits, and settles with the reply: to the submit, or to the unlink that took it back. */
  submit(fields: SubmitFields): Promise<UrbReply> {
    return this.#track(this.command(fields));
  }

  command(fields: SubmitFields): SubmitCommand {
    const isIn = fields.direction === "in";
    return {
      type: "submit",
      seqnum: ++this.#seqnum,
      deviceId: this.#deviceId,
      flags: (isIn ? urbFlags.directionIn : 0) | (fields.packets === undefined ? 0 : urbFlags.isoAsap),
      length: fields.data?.length ?? 0,
      startFrame: fields.packets === undefined ? 0xffffffff : 0,
      interval: 1,
      setup: new Uint8Array(8),
      packets: undefined,
      packetCount: 0,
      data: new Uint8Array(0),
      ...fields,
    };
  }

  /** An isochronous transfer of packets of equal length. */
  isochronous(
    direction: "in" | "out",
    count: number,
    length: number,
    fields: Partial<SubmitCommand> = {},
  ): { readonly seqnum: number; readonly reply: Promise<UrbReply> } {
    const packets = {
      offsets: Uint32Array.from({ length: count }, (_, i) => i * length),
      lengths: new Uint32Array(count).fill(length),
      actual: new Uint32Array(count),
      statuses: new Int32Array(count).fill(-18),
    };
    const command = this.command({ direction, endpoint: 1, length: count * length, packets, ...fields });
    return { seqnum: command.seqnum, reply: this.#track(command) };
  }

  control(setup: readonly number[], data = new Uint8Array(0)): Promise<SubmitReply> {
    const [requestType = 0] = setup;
    const length = (setup[6] ?? 0) | ((setup[7] ?? 0) << 8);
    const direction = (requestType & 0x80) !== 0 && length > 0 ? "in" : "out";
    return this.submit({ direction, endpoint: 0, length, setup: Uint8Array.from(setup), data }).then(asSubmitReply);
  }

  async selectAlternate(alternate: number, number = 0): Promise<number> {
    return (await this.control([0x01, 11, alternate, 0, number, 0, 0, 0])).status;
  }

  unlink(target: number): Promise<UrbReply> {
    const seqnum = ++this.#seqnum;
    this.#targets.set(seqnum, target);
    this.send({ type: "unlink", seqnum, deviceId: this.#deviceId, target });
    return this.#wait(seqnum);
  }

  send(message: UsbipMessage): void {
    this.sendBytes(encodeMessage(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#stream.write(bytes, () => undefined);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #track(command: SubmitCommand): Promise<UrbReply> {
    this.#submitted.set(command.seqnum, command);
    this.send(command);
    return this.#wait(command.seqnum);
  }

  #wait(seqnum: number): Promise<UrbReply> {
    if (this.#isClosed) return Promise.reject(new Error("closed"));
    const reply = new Promise<UrbReply>((resolve, reject) => {
      this.#waiting.set(seqnum, { resolve, reject });
    });
    // Not every test waits for every reply.
    reply.catch(() => undefined);
    return reply;
  }

  #operate<M>(decoder: MessageDecoder<M>): Promise<M> {
    return new Promise((resolve, reject) => {
      this.#failOperation = reject;
      this.#operation = () => {
        const reply = decoder.read();
        if (reply === undefined) return;
        this.#operation = this.#failOperation = undefined;
        resolve(reply);
      };
    });
  }

  #read(): void {
    try {
      this.#operation?.();
      if (this.#operation !== undefined) return;
      for (let reply = this.#replies.read(); reply !== undefined; reply = this.#replies.read()) this.#receive(reply);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#stream.destroy();
    }
  }

  #receive(reply: UrbReply): void {
    const waiting = this.#waiting.get(reply.seqnum);
    if (waiting === undefined) throw new Error(`a reply to ${reply.seqnum}, which waits for none`);
    this.#waiting.delete(reply.seqnum);
    if (reply.type === "submit-reply") {
      this.#submitted.delete(reply.seqnum);
      this.order.push(reply.seqnum);
    } else {
      const target = this.#targets.get(reply.seqnum) ?? -1;
      const isPending = this.#submitted.has(target);
      if (reply.status === 0 && isPending) throw new Error("an unlink that came too late, but no reply to its submit");
      if (reply.status !== 0 && !isPending && !this.#takenBack.has(target)) {
        throw new Error("an unlink that succeeded after the reply to its submit");
      }
      if (isPending) {
        this.#takenBack.add(target);
        this.#submitted.delete(target);
        this.#waiting.get(target)?.resolve(reply);
        this.#waiting.delete(target);
      }
    }
    waiting.resolve(reply);
  }
}

export function asSubmitReply(reply: UrbReply): SubmitReply {
  if (reply.type !== "submit-reply") throw new Error("the reply is to an unlink");
  return reply;
}
