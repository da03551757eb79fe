import { DescriptorError } from "../errors.js";
import type { RawDescriptor } from "./model.js";

/** bDescriptorType of the descriptors that are taken apart (USB 3.2, table 9-6). */
export const descriptorTypes = {
  device: 0x01,
  configuration: 0x02,
  interface: 0x04,
  endpoint: 0x05,
  interfaceAssociation: 0x0b,
  endpointCompanion: 0x30,
  isochronousCompanion: 0x31,
} as const;

/** A descriptor where it was found: a view, and where it begins in the bytes that were parsed. */
export interface LocatedDescriptor {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly fields: DataView;
  readonly offset: number;
}

const readAgain = "read the descriptor again, whole";

/** @throws {@link DescriptorError} */
export function badDescriptor(message: string): never {
  throw new DescriptorError("bad-descriptor", message);
}

/**
 * The descriptor that begins at `offset` and ends before `end`.
 *
 * @throws {@link DescriptorError} if bLength leaves no room for the header, or goes past the end.
 */
export function descriptorAt(bytes: Uint8Array, offset: number, end: number): LocatedDescriptor {
  const left = end - offset;
  if (left < 2) badDescriptor(`a descriptor at byte ${offset} is cut off after ${left} of its bytes: ${readAgain}`);
  const header = new DataView(bytes.buffer, bytes.byteOffset + offset, 2);
  const length = header.getUint8(0);
  const type = header.getUint8(1);
  if (length < 2) {
    badDescriptor(
      `the descriptor at byte ${offset} says it is ${length} bytes long, and 2 are the least: what follows it cannot be found`,
    );
  }
  if (length > left) {
    badDescriptor(
      `the descriptor of type 0x${type.toString(16)} at byte ${offset} is ${length} bytes long, and ${left} are left: ${readAgain}`,
    );
  }
  return {
    type,
    bytes: bytes.subarray(offset, offset + length),
    fields: new DataView(bytes.buffer, bytes.byteOffset + offset, length),
    offset,
  };
}

/** @throws {@link DescriptorError} if the descriptor is shorter than its kind has to be. */
export function requireLength(descriptor: LocatedDescriptor, name: string, least: number): void {
  const length = descriptor.bytes.length;
  if (length >= least) return;
  badDescriptor(
    `the ${name} descriptor at byte ${descriptor.offset} is ${length} bytes long, and ${least} are the least`,
  );
}

/**
 * Every descriptor from `start` to `end`, in order. Zeros that fill up the end are no descriptors.
 *
 * @throws {@link DescriptorError} as {@link descriptorAt}.
 */
export function descriptorsIn(bytes: Uint8Array, start: number, end: number): LocatedDescriptor[] {
  const found: LocatedDescriptor[] = [];
  for (let offset = start; offset < end;) {
    if (bytes[offset] === 0 && bytes.subarray(offset, end).every((byte) => byte === 0)) break;
    const descriptor = descriptorAt(bytes, offset, end);
    found.push(descriptor);
    offset += descriptor.bytes.length;
  }
  return found;
}

/** A descriptor, and what stands behind it up to the next of its type. */
export interface DescriptorBlock {
  readonly head: LocatedDescriptor;
  readonly body: readonly LocatedDescriptor[];
}

/** Splits a run of descriptors into what stands before the first of a type, and a block for each of that type. */
export function splitAt(
  descriptors: readonly LocatedDescriptor[],
  type: number,
): { before: LocatedDescriptor[]; blocks: DescriptorBlock[] } {
  const before: LocatedDescriptor[] = [];
  const blocks: DescriptorBlock[] = [];
  let body = before;
  for (const descriptor of descriptors) {
    if (descriptor.type === type) {
      body = [];
      blocks.push({ head: descriptor, body });
    } else {
      body.push(descriptor);
    }
  }
  return { before, blocks };
}

/** The descriptor as the model keeps what it has no field for. */
export function raw({ type, bytes }: LocatedDescriptor): RawDescriptor {
  return { type, bytes };
}
