import { packetDescriptorSize, protocolError, urbCommand, urbHeaderSize, viewOf } from "./wire.js";
import type { Direction } from "../../../src/index.js";

/** What of a submit its reply is read by. */
export interface AwaitedReply {
  readonly direction: Direction;
  /** Bytes that were asked for or sent. */
  readonly length: number;
  /** IN: where the data goes, `length` bytes; left out, it goes nowhere. */
  readonly data: Uint8Array | undefined;
  /** Isochronous packets; 0 for any other transfer. */
  readonly packets: number;
}

/** What USBIP_RET_SUBMIT says of the transfer as a whole. */
export interface UrbReplyHeader {
  /** 0 or a negative errno. */
  readonly status: number;
  readonly actualLength: number;
  /** Modulo 2^32, in frames at full speed and microframes above. */
  readonly startFrame: number;
}

/** Who hears of replies. */
export interface UrbReplyHandler<A extends AwaitedReply> {
  /** The submit of that number, or nothing where no such one is pending. */
  awaited(seqnum: number): A | undefined;
  /** @param packets the descriptors, 16 bytes a packet; the reader's again when the call returns */
  submitted(seqnum: number, awaited: A, reply: UrbReplyHeader, packets: DataView): void;
  /** @param status 0 or a negative errno */
  unlinked(seqnum: number, status: number): void;
}

/**
 * Reads USBIP_RET_SUBMIT and USBIP_RET_UNLINK as they come in, and puts data directly where the submit
 * wants it: each byte is copied once, and nothing is kept but a header and the descriptors of a reply.
 *
 * Nothing is believed before it is checked: no more bytes and no other packets than were submitted.
 */
export class UrbReplyReader<A extends AwaitedReply> {
  readonly #handler: UrbReplyHandler<A>;
  readonly #headerBytes = new Uint8Array(urbHeaderSize);
  readonly #header = viewOf(this.#headerBytes);
  #packetBytes = new Uint8Array(0);
  #packets = viewOf(this.#packetBytes);
  #part: "header" | "data" | "packets" = "header";
  #into: Uint8Array | undefined = this.#headerBytes;
  #wanted = urbHeaderSize;
  #filled = 0;
  #awaited: A | undefined;
  #isStopped = false;

  constructor(handler: UrbReplyHandler<A>) {
    this.#handler = handler;
  }

  /**
   * Takes what came in.
   *
   * @throws {@link TransportError} `protocol-error`; nothing is taken after it
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    try {
      while (at < chunk.length && !this.#isStopped) {
        const count = Math.min(this.#wanted - this.#filled, chunk.length - at);
        this.#into?.set(chunk.subarray(at, at + count), this.#filled);
        this.#filled += count;
        at += count;
        while (this.#isPartComplete) this.#advance();
      }
    } catch (error) {
      this.#isStopped = true;
      throw error;
    }
  }

  /** A reply has begun, and is not whole yet. */
  get isWithin(): boolean {
    return !this.#isStopped && (this.#part !== "header" || this.#filled > 0);
  }

  /**
   * The peer has ended.
   *
   * @throws {@link TransportError} `protocol-error` if it did so in the middle of a reply
   */
  finish(): void {
    if (!this.isWithin) return;
    this.#isStopped = true;
    throw protocolError("ended in the middle of a message");
  }

  /** Nothing is taken any more, and no memory is written to. */
  stop(): void {
    this.#isStopped = true;
    this.#into = this.#awaited = undefined;
  }

  get #isPartComplete(): boolean {
    return this.#filled === this.#wanted && !this.#isStopped;
  }

  #advance(): void {
    const awaited = this.#awaited;
    if (this.#part === "header") this.#takeHeader();
    else if (this.#part === "data") this.#beginPackets(awaited?.packets ?? 0);
    else {
      const header = this.#header;
      const reply = {
        status: header.getInt32(20),
        actualLength: header.getUint32(24),
        startFrame: header.getUint32(28),
      };
      this.#beginHeader();
      if (awaited !== undefined) this.#handler.submitted(header.getUint32(4), awaited, reply, this.#packets);
    }
  }

  #takeHeader(): void {
    const header = this.#header;
    const command = header.getUint32(0);
    const seqnum = header.getUint32(4);
    if (command === urbCommand.unlinkReply) {
      this.#beginHeader();
      this.#handler.unlinked(seqnum, header.getInt32(20));
      return;
    }
    if (command !== urbCommand.submitReply) throw protocolError(`answered with the unknown command ${command}`);
    const awaited = this.#handler.awaited(seqnum);
    if (awaited === undefined) throw protocolError(`answered the submit ${seqnum}, which is not pending`);
    const { direction, length, packets, data } = awaited;
    const moved = header.getUint32(24);
    if (moved > length) throw protocolError(`moved ${moved} bytes, and ${length} were submitted`);
    const count = header.getUint32(32);
    if (packets > 0 && count !== packets) throw protocolError(`answered ${count} packets of ${packets}`);
    this.#awaited = awaited;
    this.#begin("data", direction === "in" ? moved : 0, data);
  }

  #beginPackets(count: number): void {
    const size = count * packetDescriptorSize;
    if (this.#packetBytes.length < size) {
      this.#packetBytes = new Uint8Array(size);
      this.#packets = viewOf(this.#packetBytes);
    }
    this.#begin("packets", size, this.#packetBytes);
  }

  #beginHeader(): void {
    this.#awaited = undefined;
    this.#begin("header", urbHeaderSize, this.#headerBytes);
  }

  #begin(part: "header" | "data" | "packets", wanted: number, into: Uint8Array | undefined): void {
    this.#part = part;
    this.#wanted = wanted;
    this.#into = into;
    this.#filled = 0;
  }
}
