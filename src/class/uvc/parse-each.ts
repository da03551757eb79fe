import type { RawDescriptor } from "../../descriptors/model.js";
import { classInterface } from "./codes.js";
import type { SkippedDescriptor } from "./model.js";

/** A class-specific interface descriptor, with its fields little endian. */
export interface ClassDescriptor {
  readonly descriptor: RawDescriptor;
  /** bDescriptorSubtype. */
  readonly subtype: number;
  readonly length: number;
  readonly fields: DataView;
}

/** Why a descriptor is passed over; thrown within {@link parseEach} only. */
class Unusable extends Error {}

/** @throws what {@link parseEach} takes as the reason to pass over the descriptor */
export function unusable(reason: string): never {
  throw new Unusable(reason);
}

/** @throws as {@link unusable}, where the descriptor is shorter than its kind has to be. */
export function atLeast({ length }: ClassDescriptor, name: string, least: number): void {
  if (length < least) unusable(`the ${name} descriptor is ${length} bytes long, and ${least} are the least`);
}

/**
 * Hands each class-specific descriptor to `parse`, in order; what is unusable goes to `skipped`. Each of them
 * stands by itself, so one that is wrong costs no other. Those of other types are left alone.
 */
export function parseEach(
  extra: readonly RawDescriptor[],
  skipped: SkippedDescriptor[],
  parse: (descriptor: ClassDescriptor) => void,
): void {
  for (const descriptor of extra) {
    if (descriptor.type !== classInterface) continue;
    try {
      parse(classDescriptor(descriptor));
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      skipped.push({ descriptor, reason: error.message });
    }
  }
}

function classDescriptor(descriptor: RawDescriptor): ClassDescriptor {
  const { bytes } = descriptor;
  if (bytes.length < 3) unusable("it has no bDescriptorSubtype");
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { descriptor, subtype: fields.getUint8(2), length: bytes.length, fields };
}
