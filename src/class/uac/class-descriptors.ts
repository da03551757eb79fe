import type { AlternateSetting, RawDescriptor } from "../../descriptors/model.js";

/** bDescriptorType of class-specific descriptors (UAC 1.0, A.4; UAC 2.0, A.7). */
export const classSpecific = { interface: 0x24, endpoint: 0x25 } as const;

/** Why a descriptor cannot be used: caught where descriptors are gathered, and told there. */
export class Unusable extends Error {}

/** A class-specific descriptor, whose fields are read where they are. */
export class Fields {
  /** bDescriptorSubtype. */
  readonly subtype: number;
  readonly length: number;
  readonly #name: string;
  readonly #view: DataView;

  /** @throws {@link Unusable} if there is no subtype in it */
  constructor({ bytes }: RawDescriptor, name: string) {
    this.#name = name;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
    this.subtype = this.byte(2);
  }

  /** @throws {@link Unusable} if the descriptor ends before; so do the others. */
  byte(offset: number): number {
    this.#need(offset + 1);
    return this.#view.getUint8(offset);
  }

  word(offset: number): number {
    this.#need(offset + 2);
    return this.#view.getUint16(offset, true);
  }

  /** Three bytes, as rates of UAC 1.0 are. */
  triple(offset: number): number {
    return this.word(offset) | (this.byte(offset + 2) << 16);
  }

  long(offset: number): number {
    this.#need(offset + 4);
    return this.#view.getUint32(offset, true);
  }

  bytes(offset: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.byte(offset + i));
  }

  #need(length: number): void {
    if (length <= this.length) return;
    throw new Unusable(`the ${this.#name} descriptor is ${this.length} bytes long, and ${length} are the least`);
  }
}

/** The class-specific descriptors of an alternate setting; some devices put them behind its endpoints. */
export function interfaceDescriptors({ extra, endpoints }: AlternateSetting): RawDescriptor[] {
  return [...extra, ...endpoints.flatMap((endpoint) => endpoint.extra)].filter(
    ({ type }) => type === classSpecific.interface,
  );
}
