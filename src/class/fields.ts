import type { RawDescriptor } from "../descriptors/model.js";

/** Why a descriptor cannot be used: caught where descriptors are gathered, and told there. */
export class Unusable extends Error {}

/** @throws {@link Unusable} */
export function unusable(reason: string): never {
  throw new Unusable(reason);
}

/** A class-specific descriptor, whose fields are read where they are, little endian. */
export class Fields {
  readonly descriptor: RawDescriptor;
  /** bDescriptorSubtype. */
  readonly subtype: number;
  readonly length: number;
  readonly #name: string;
  readonly #view: DataView;

  /** @throws {@link Unusable} if there is no subtype in it */
  constructor(descriptor: RawDescriptor, name: string) {
    const { bytes } = descriptor;
    this.descriptor = descriptor;
    this.#name = name;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
    this.subtype = this.byte(2);
  }

  /** @throws {@link Unusable} if the descriptor is shorter; so do the others. */
  atLeast(length: number, name = this.#name): void {
    if (length > this.length) {
      unusable(`the ${name} descriptor is ${this.length} bytes long, and ${length} are the least`);
    }
  }

  byte(offset: number): number {
    this.atLeast(offset + 1);
    return this.#view.getUint8(offset);
  }

  word(offset: number): number {
    this.atLeast(offset + 2);
    return this.#view.getUint16(offset, true);
  }

  /** Three bytes, as rates of UAC 1.0 are. */
  triple(offset: number): number {
    return this.word(offset) | (this.byte(offset + 2) << 16);
  }

  long(offset: number): number {
    this.atLeast(offset + 4);
    return this.#view.getUint32(offset, true);
  }

  bytes(offset: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.byte(offset + i));
  }
}
