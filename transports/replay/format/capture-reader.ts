import { ByteBuffer } from "./byte-buffer.js";
import { damaged } from "./damaged.js";
import { blockTypes, byteOrderMagic, optionCodes } from "./pcapng.js";

/** A packet of a capture. Its bytes are a view that holds until more is pushed. */
export interface CapturedPacket {
  /** Where it stands in the capture. */
  readonly position: number;
  readonly linkType: number;
  readonly littleEndian: boolean;
  /** Microseconds since 1970; `undefined` where the capture does not say. */
  readonly time: number | undefined;
  readonly data: Uint8Array;
  /** Bytes that the packet had; more than are there where it was cut off. */
  readonly originalLength: number;
  readonly comment: string | undefined;
}

/** An interface of a section of pcapng, or the one of pcap. */
interface Link {
  readonly type: number;
  /** Bytes kept of a packet, at most; 0 for all. */
  readonly snapLength: number;
  /** Microseconds of a unit of its timestamps. */
  readonly unit: number;
  /** Microseconds to add to each. */
  readonly offset: number;
}

const pcapMagics = { microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d } as const;
/** More than any transfer that hosts allow; what says more is damaged. */
const maxBlock = 2 ** 26;
const knownBlocks = new Set<number>(Object.values(blockTypes));
const maxLinks = 2 ** 12;
const decoder = new TextDecoder();

/**
 * Takes captures apart, chunk by chunk: pcapng, and pcap in both resolutions, in either byte order. Keeps
 * no more than a block. Blocks of other kinds are passed over.
 */
export class CaptureReader {
  readonly #buffer = new ByteBuffer();
  readonly #links: Link[] = [];
  #format: "unknown" | "pcap" | "pcapng" = "unknown";
  #littleEndian = true;
  /** Bytes yet to come of a block that is passed over. */
  #toSkip = 0;
  /** Bytes of the capture up to the end of the last block that is whole. */
  #whole = 0;

  /** Bytes that have come of a block that is not whole: at the end of a capture, it was cut off there. */
  get pending(): number {
    return this.#buffer.offset + this.#buffer.length - this.#whole;
  }

  /** @throws `TransportError` `protocol-error` */
  *push(chunk: Uint8Array): Generator<CapturedPacket, void, undefined> {
    this.#buffer.push(chunk);
    for (;;) {
      this.#skipOn();
      if (this.#format === "unknown") {
        if (!this.#begin()) return;
        continue;
      }
      const packet = this.#format === "pcap" ? this.#record() : this.#block();
      if (packet === "more") return;
      if (packet !== undefined) yield packet;
    }
  }

  #skipOn(): void {
    const length = Math.min(this.#toSkip, this.#buffer.length);
    this.#buffer.skip(length);
    this.#toSkip -= length;
    if (this.#toSkip === 0) this.#whole = this.#buffer.offset;
  }

  /** Reads what the capture begins with; whether it was there. */
  #begin(): boolean {
    const buffer = this.#buffer;
    if (buffer.length < 4) return false;
    if (buffer.uint32(0, true) === blockTypes.sectionHeader) {
      this.#format = "pcapng";
      return true;
    }
    for (const littleEndian of [true, false]) {
      const magic = buffer.uint32(0, littleEndian);
      if (magic !== pcapMagics.microseconds && magic !== pcapMagics.nanoseconds) continue;
      if (buffer.length < 24) return false;
      this.#format = "pcap";
      this.#littleEndian = littleEndian;
      const unit = magic === pcapMagics.nanoseconds ? 1e-3 : 1;
      const snapLength = buffer.uint32(16, littleEndian);
      this.#links.push({ type: buffer.uint32(20, littleEndian) & 0xffff, snapLength, unit, offset: 0 });
      buffer.skip(24);
      return true;
    }
    throw damaged(buffer.offset, "this is neither pcapng nor pcap");
  }

  #record(): CapturedPacket | "more" {
    const buffer = this.#buffer;
    if (buffer.length < 16) return "more";
    const little = this.#littleEndian;
    const length = buffer.uint32(8, little);
    if (length > maxBlock) throw damaged(buffer.offset, `a packet of ${length} bytes`);
    if (buffer.length < 16 + length) return "more";
    const [link] = this.#links;
    const packet: CapturedPacket = {
      position: buffer.offset,
      linkType: link?.type ?? 0,
      littleEndian: little,
      time: buffer.uint32(0, little) * 1e6 + buffer.uint32(4, little) * (link?.unit ?? 1),
      data: buffer.peek(16, length),
      originalLength: buffer.uint32(12, little),
      comment: undefined,
    };
    buffer.skip(16 + length);
    return packet;
  }

  #block(): CapturedPacket | "more" | undefined {
    const buffer = this.#buffer;
    if (buffer.length < 12) return "more";
    if (buffer.uint32(0, true) === blockTypes.sectionHeader) this.#readByteOrder();
    const little = this.#littleEndian;
    const type = buffer.uint32(0, little);
    const length = buffer.uint32(4, little);
    const position = buffer.offset;
    if (length < 12 || length % 4 !== 0) throw damaged(position, `a block of ${length} bytes`);
    if (!knownBlocks.has(type)) {
      this.#toSkip = length;
      return undefined;
    }
    if (length > maxBlock) throw damaged(position, `a block of ${length} bytes`);
    if (buffer.length < length) return "more";
    if (buffer.uint32(length - 4, little) !== length) {
      throw damaged(position, `a block that begins with a length of ${length} ends with another`);
    }
    const body = buffer.peek(8, length - 12);
    buffer.skip(length);
    return this.#read(type, body, position);
  }

  /** Each section has its own, and its own interfaces. */
  #readByteOrder(): void {
    const magic = [true, false].find((littleEndian) => this.#buffer.uint32(8, littleEndian) === byteOrderMagic);
    if (magic === undefined) throw damaged(this.#buffer.offset, "a section header without its byte order");
    this.#littleEndian = magic;
  }

  #read(type: number, body: Uint8Array, position: number): CapturedPacket | undefined {
    switch (type) {
      case blockTypes.sectionHeader:
        this.#links.length = 0;
        return undefined;
      case blockTypes.interfaceDescription:
        this.#addLink(body, position);
        return undefined;
      case blockTypes.simplePacket:
        return this.#simplePacket(body, position);
      default:
        return this.#packet(type, body, position);
    }
  }

  #addLink(body: Uint8Array, position: number): void {
    if (body.length < 8) throw damaged(position, "an interface description that is too short");
    if (this.#links.length === maxLinks) throw damaged(position, `more than ${maxLinks} interfaces`);
    const fields = viewOf(body);
    let unit = 1;
    let offset = 0;
    for (const { code, value } of this.#options(body.subarray(8))) {
      const [resolution] = value;
      if (code === optionCodes.timestampResolution && resolution !== undefined) {
        unit = 1e6 / (resolution >= 0x80 ? 2 ** (resolution - 0x80) : 10 ** resolution);
      }
      if (code === optionCodes.timestampOffset && value.length >= 8) {
        offset = Number(viewOf(value).getBigInt64(0, this.#littleEndian)) * 1e6;
      }
    }
    const type = fields.getUint16(0, this.#littleEndian);
    this.#links.push({ type, snapLength: fields.getUint32(4, this.#littleEndian), unit, offset });
  }

  /** An enhanced packet, or the obsolete one, which differs in how the interface stands in it. */
  #packet(type: number, body: Uint8Array, position: number): CapturedPacket {
    if (body.length < 20) throw damaged(position, "a packet block that is too short");
    const little = this.#littleEndian;
    const fields = viewOf(body);
    const index = type === blockTypes.packet ? fields.getUint16(0, little) : fields.getUint32(0, little);
    const link = this.#linkAt(index, position);
    const units = fields.getUint32(4, little) * 2 ** 32 + fields.getUint32(8, little);
    const length = fields.getUint32(12, little);
    if (length > body.length - 20) throw damaged(position, `a packet of ${length} bytes in a block of ${body.length}`);
    const options = this.#options(body.subarray(20 + Math.ceil(length / 4) * 4));
    const comments = options.filter(({ code }) => code === optionCodes.comment);
    return {
      position,
      linkType: link.type,
      littleEndian: little,
      time: units * link.unit + link.offset,
      data: body.subarray(20, 20 + length),
      originalLength: fields.getUint32(16, little),
      comment: comments.length === 0 ? undefined : comments.map(({ value }) => decoder.decode(value)).join("\n"),
    };
  }

  #simplePacket(body: Uint8Array, position: number): CapturedPacket {
    if (body.length < 4) throw damaged(position, "a packet block that is too short");
    const { type, snapLength } = this.#linkAt(0, position);
    const originalLength = viewOf(body).getUint32(0, this.#littleEndian);
    const kept = Math.min(originalLength, snapLength === 0 ? originalLength : snapLength, body.length - 4);
    return {
      position,
      linkType: type,
      littleEndian: this.#littleEndian,
      time: undefined,
      data: body.subarray(4, 4 + kept),
      originalLength,
      comment: undefined,
    };
  }

  #linkAt(index: number, position: number): Link {
    const link = this.#links[index];
    if (link === undefined) throw damaged(position, `a packet of interface ${index}, which was not described`);
    return link;
  }

  /** What does not add up ends them: they are remarks only. */
  #options(bytes: Uint8Array): { readonly code: number; readonly value: Uint8Array }[] {
    const found: { code: number; value: Uint8Array }[] = [];
    const fields = viewOf(bytes);
    for (let at = 0; at + 4 <= bytes.length;) {
      const code = fields.getUint16(at, this.#littleEndian);
      const length = fields.getUint16(at + 2, this.#littleEndian);
      if (code === optionCodes.end || at + 4 + length > bytes.length) break;
      found.push({ code, value: bytes.subarray(at + 4, at + 4 + length) });
      at += 4 + Math.ceil(length / 4) * 4;
    }
    return found;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
