import type { AlternateSetting, ConfigurationDescriptor } from "../../index.js";
import { audioFormats } from "./audio-formats.js";
import { videoFormats } from "./video-formats.js";

/**
 * What the class-specific descriptors of an interface say, in words, a line each: the formats, sizes and
 * rates of a camera, the channels and sample rates of a microphone.
 */
export type ClassFormats = (alternate: AlternateSetting) => readonly string[];

/** One for each class that can be read: it reads the functions of a configuration, and then tells of each interface. */
const readers: readonly ((configuration: ConfigurationDescriptor) => ClassFormats)[] = [videoFormats, audioFormats];

/** What is known of the classes of interfaces beside their endpoints. */
export function classFormats(configuration: ConfigurationDescriptor): ClassFormats {
  const known = readers.map((read) => read(configuration));
  return (alternate) => known.flatMap((formats) => formats(alternate));
}
