import type { Fields } from "../fields.js";
import type { VideoEncoding } from "./model.js";

/** What follows the four characters in the GUID of a format that has them. */
const fourccTail = "-0000-0010-8000-00aa00389b71";

const encodings: Readonly<Record<string, VideoEncoding>> = {
  [`32595559${fourccTail}`]: "yuy2",
  [`3231564e${fourccTail}`]: "nv12",
  [`34363248${fourccTail}`]: "h264",
  [`35363248${fourccTail}`]: "h265",
  [`43564548${fourccTail}`]: "h265",
};

/** The GUID in the 16 bytes from `offset`, as it is written: 32595559-0000-0010-8000-00aa00389b71. */
export function guidAt(fields: Fields, offset: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  const rest = Array.from({ length: 8 }, (_, i) => hex(fields.byte(offset + 8 + i), 2)).join("");
  return [
    hex(fields.long(offset), 8),
    hex(fields.word(offset + 4), 4),
    hex(fields.word(offset + 6), 4),
    rest.slice(0, 4),
    rest.slice(4),
  ].join("-");
}

/** What a format with this GUID is. */
export function encodingOf(guid: string): VideoEncoding {
  return encodings[guid] ?? "unknown";
}
