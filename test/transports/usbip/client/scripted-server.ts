import { Observable } from "rxjs";
import type { ByteStream } from "rx-isoch/transports/usbip";
import { counterDevice, counterProtocol } from "rx-isoch/transports/virtual";
import {
  ByteQueue,
  encodeMessage,
  errno,
  MessageDecoder,
  operationRequest,
  urbCommandMessage,
  type OperationRequest,
  type SubmitCommand,
  type SubmitReply,
  type UnlinkCommand,
  type UrbCommand,
  type UsbipListedDevice,
  type UsbipMessage,
} from "../../../../transports/usbip/protocol/index.js";
import { memoryStreams } from "../memory-stream.js";

const model = counterDevice();

/** A counter device as a server lists it. */
export function listed(port: number, fields: Partial<UsbipListedDevice> = {}): UsbipListedDevice {
  return {
    path: `/sys/devices/1-${port}`,
    busId: `1-${port}`,
    busNumber: 1,
    deviceNumber: port,
    speed: "high",
    vendorId: counterProtocol.vendorId,
    productId: counterProtocol.productId,
    deviceVersion: 0,
    deviceClass: 0,
    deviceSubclass: 0,
    deviceProtocol: 0,
    configurationValue: 1,
    configurationCount: 1,
    interfaceCount: 1,
    interfaces: [{ interfaceClass: 255, interfaceSubclass: 0, interfaceProtocol: 0 }],
    ...fields,
  };
}

/** What a server says of a transfer; the rest is as if everything had gone well. */
export interface ReplyFields extends Partial<SubmitReply> {
  /** Per packet. Default: all that was asked. */
  readonly actual?: readonly number[];
  /** Per packet. Default: 0. */
  readonly statuses?: readonly number[];
}

/** A connection, at the server's end. */
export class Peer {
  readonly stream: ByteStream;
  /** Transfers that nobody has answered by himself. */
  readonly submits: SubmitCommand[] = [];
  readonly unlinks: UnlinkCommand[] = [];
  isClosed = false;
  /** The client sends no more. */
  hasEnded = false;
  readonly #server: ScriptedServer;

  /** @param isImported whether it begins with the device handed out */
  constructor(stream: ByteStream, server: ScriptedServer, isImported = false) {
    this.stream = stream;
    this.#server = server;
    const queue = new ByteQueue();
    const operations = new MessageDecoder(queue, operationRequest);
    const commands = new MessageDecoder(queue, () => urbCommandMessage({}));
    let isOperating = !isImported;
    stream.open({
      received: (bytes) => {
        queue.push(bytes);
        if (isOperating) {
          const request = operations.read();
          if (request === undefined) return;
          isOperating = false;
          server.operation(this, request);
        }
        for (let command = commands.read(); command !== undefined; command = commands.read()) {
          server.command(this, command);
        }
      },
      ended: () => {
        this.hasEnded = true;
        if (server.isPolite) stream.end();
      },
      closed: () => {
        this.isClosed = true;
      },
    });
  }

  send(...messages: readonly UsbipMessage[]): void {
    const { onSend } = this.#server;
    if (onSend === undefined) this.sendBytes(...messages.map(encodeMessage));
    else for (const message of messages) onSend(this, encodeMessage(message));
  }

  sendBytes(...pieces: readonly Uint8Array[]): void {
    const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    if (!this.isClosed) this.stream.write(bytes, () => undefined);
  }

  reply(command: SubmitCommand, fields: ReplyFields = {}): void {
    this.send(replyTo(command, fields));
  }

  unlinked({ seqnum }: UnlinkCommand, status: number = errno.ECONNRESET): void {
    this.send({ type: "unlink-reply", seqnum, status });
  }
}

/** The reply to a transfer. The bytes of IN packets are the numbers of their packets. */
export function replyTo(command: SubmitCommand, fields: ReplyFields = {}): SubmitReply {
  const { actual, statuses, ...rest } = fields;
  const lengths = command.packets?.lengths ?? new Uint32Array(0);
  const moved = Uint32Array.from(actual ?? lengths);
  const total = command.packets === undefined ? command.length : moved.reduce((sum, each) => sum + each, 0);
  const data = new Uint8Array(command.direction === "in" ? total : 0);
  if (data.length > 0) {
    let at = 0;
    moved.forEach((length, i) => {
      data.fill(i + 1, at, at + length);
      at += length;
    });
  }
  return {
    type: "submit-reply",
    seqnum: command.seqnum,
    status: 0,
    actualLength: total,
    startFrame: 0,
    errorCount: 0,
    packets:
      command.packets === undefined
        ? undefined
        : {
            offsets: command.packets.offsets,
            lengths,
            actual: moved,
            statuses: Int32Array.from(statuses ?? new Array<number>(lengths.length).fill(0)),
          },
    packetCount: command.packetCount,
    data,
    ...rest,
  };
}

/** A server that does what a test says, and else what it should, but for isochronous transfers. */
export class ScriptedServer {
  readonly peers: Peer[] = [];
  /** Those that asked for the list. */
  readonly lists: Peer[] = [];
  devices: UsbipListedDevice[] = [listed(1)];
  /** Does something else with a request; returns whether it did. */
  onOperation: (peer: Peer, request: OperationRequest) => boolean = () => false;
  onCommand: (peer: Peer, command: UrbCommand) => boolean = () => false;
  /** Sends a message in its own way. */
  onSend: ((peer: Peer, message: Uint8Array) => void) | undefined;
  onConnect: (() => Observable<ByteStream>) | undefined;
  /** Ends where the client does. */
  isPolite = true;
  /** Bytes that arrive at a time, at most. */
  chunk: number | undefined;

  get connect(): Observable<ByteStream> {
    return new Observable((subscriber) => {
      if (this.onConnect !== undefined) {
        subscriber.add(this.onConnect().subscribe(subscriber));
        return;
      }
      const [near, far] = memoryStreams(this.chunk);
      this.peers.push(new Peer(far, this));
      subscriber.next(near);
      subscriber.complete();
    });
  }

  /** The last connection. */
  get peer(): Peer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error("nobody has connected");
    return peer;
  }

  operation(peer: Peer, request: OperationRequest): void {
    if (request.type === "device-list-request") this.lists.push(peer);
    if (this.onOperation(peer, request)) return;
    if (request.type === "device-list-request") {
      peer.send({ type: "device-list-reply", status: 0, devices: this.devices });
      return;
    }
    const device = this.devices.find(({ busId }) => busId === request.busId);
    peer.send({ type: "import-reply", status: device === undefined ? 4 : 0, device });
  }

  command(peer: Peer, command: UrbCommand): void {
    if (this.onCommand(peer, command)) return;
    if (command.type === "unlink") {
      peer.unlinks.push(command);
      return;
    }
    if (command.endpoint !== 0) {
      peer.submits.push(command);
      return;
    }
    const [, request = 0, index = 0, type = 0] = command.setup;
    const answer = request === 6 ? descriptor(type, index) : new Uint8Array(0);
    const data = (answer ?? new Uint8Array(0)).slice(0, command.length);
    const status = answer === undefined ? errno.EPIPE : 0;
    peer.reply(command, { status, data, actualLength: command.direction === "in" ? data.length : command.length });
  }
}

function descriptor(type: number, index: number): Uint8Array | undefined {
  switch (type) {
    case 1:
      return model.deviceDescriptor;
    case 2:
      return model.configurationDescriptor;
    case 3: {
      const text = index === 0 ? "\u0409" : model.strings[index - 1];
      if (text === undefined) return undefined;
      const codes = Uint16Array.from(text, (character) => character.charCodeAt(0));
      return Uint8Array.of(2 + 2 * codes.length, 3, ...new Uint8Array(codes.buffer));
    }
    default:
      return undefined;
  }
}
