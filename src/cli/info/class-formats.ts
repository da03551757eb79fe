import type { AlternateSetting } from "../../index.js";

/**
 * What the class-specific descriptors of an interface say, in words, a line each: the formats, sizes and
 * rates of a camera, the channels and sample rates of a microphone.
 */
type ClassFormats = (alternate: AlternateSetting) => readonly string[];

/** One for each class that can be read. */
const readers: readonly ClassFormats[] = [];

/** What is known of the class of an interface beside its endpoints. */
export function classFormats(alternate: AlternateSetting): readonly string[] {
  return readers.flatMap((read) => read(alternate));
}
