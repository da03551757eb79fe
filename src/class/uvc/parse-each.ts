import type { RawDescriptor } from "../../descriptors/model.js";
import { Fields, Unusable, unusable } from "../fields.js";
import { classInterface } from "./codes.js";
import type { SkippedDescriptor } from "./model.js";

/**
 * Hands each class-specific descriptor to `parse`, in order; what is unusable goes to `skipped`. Each of them
 * stands by itself, so one that is wrong costs no other. Those of other types are left alone.
 */
export function parseEach(
  extra: readonly RawDescriptor[],
  skipped: SkippedDescriptor[],
  parse: (fields: Fields) => void,
): void {
  for (const descriptor of extra) {
    if (descriptor.type !== classInterface) continue;
    try {
      if (descriptor.bytes.length < 3) unusable("it has no bDescriptorSubtype");
      parse(new Fields(descriptor, "class-specific"));
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      skipped.push({ descriptor, reason: error.message });
    }
  }
}
