import type { InterfaceDescriptor } from "../../descriptors/model.js";
import { unusable, type Fields } from "../fields.js";
import { streamingSubtypes as subtypes } from "./codes.js";
import { encodingOf, guidAt } from "./guid.js";
import type { ColorMatching, SkippedDescriptor, VideoFormat, VideoSize, VideoStreaming } from "./model.js";
import { parseEach } from "./parse-each.js";
import { parseSize } from "./video-size.js";

/** A format that is being read: sizes and colours come behind it. */
interface OpenFormat extends Omit<VideoFormat, "sizes" | "color"> {
  readonly frameSubtype: number;
  readonly sizes: VideoSize[];
  color: ColorMatching | undefined;
}

/** The header of a streaming interface (UVC 1.5, 3.9.2.1 and 3.9.2.2). */
type Header = Pick<VideoStreaming, "direction" | "endpoint" | "terminal" | "stillMethod">;

/**
 * Takes a VideoStreaming interface apart, or returns why it cannot be used: it has no header.
 *
 * The class-specific descriptors stand in alternate setting 0; devices that have them in another are taken
 * as they are.
 */
export function parseStreaming({ number, alternates }: InterfaceDescriptor): VideoStreaming | undefined {
  const skipped: SkippedDescriptor[] = [];
  const formats: OpenFormat[] = [];
  let last: OpenFormat | undefined;
  let header: Header | undefined;
  parseEach(
    alternates.flatMap(({ extra }) => extra),
    skipped,
    (each) => {
      switch (each.subtype) {
        case subtypes.inputHeader:
        case subtypes.outputHeader:
          if (header !== undefined) unusable("the interface has a header already");
          header = parseHeader(each);
          break;
        case subtypes.uncompressedFormat:
        case subtypes.mjpegFormat:
        case subtypes.frameBasedFormat:
          // What belongs to a format that is unusable belongs to no other.
          last = undefined;
          last = parseFormat(each);
          formats.push(last);
          break;
        case subtypes.uncompressedFrame:
        case subtypes.mjpegFrame:
        case subtypes.frameBasedFrame:
          addSize(last, each);
          break;
        case subtypes.colorFormat:
          addColor(last, each);
          break;
        case subtypes.stillImageFrame:
          break;
        default:
          unusable(`nothing is known of the subtype 0x${each.subtype.toString(16)}`);
      }
    },
  );
  if (header === undefined) return undefined;
  return {
    interfaceNumber: number,
    ...header,
    formats: formats.map(({ frameSubtype: _frameSubtype, ...format }) => format),
    skipped,
  };
}

function parseHeader(fields: Fields): Header {
  const { subtype } = fields;
  if (subtype === subtypes.outputHeader) {
    fields.atLeast(9, "output header");
    return { direction: "out", endpoint: fields.byte(6), terminal: fields.byte(8), stillMethod: 0 };
  }
  fields.atLeast(12, "input header");
  return {
    direction: "in",
    endpoint: fields.byte(6),
    terminal: fields.byte(8),
    stillMethod: fields.byte(9),
  };
}

function parseFormat(fields: Fields): OpenFormat {
  const { subtype } = fields;
  const base = { sizes: [], color: undefined };
  if (subtype === subtypes.mjpegFormat) {
    fields.atLeast(7, "MJPEG format");
    return {
      ...base,
      frameSubtype: subtypes.mjpegFrame,
      index: fields.byte(3),
      encoding: "mjpeg",
      guid: undefined,
      bitsPerPixel: 0,
      defaultSize: fields.byte(6),
    };
  }
  fields.atLeast(23, "format");
  const guid = guidAt(fields, 5);
  return {
    ...base,
    frameSubtype: subtype === subtypes.uncompressedFormat ? subtypes.uncompressedFrame : subtypes.frameBasedFrame,
    index: fields.byte(3),
    encoding: encodingOf(guid),
    guid,
    bitsPerPixel: fields.byte(21),
    defaultSize: fields.byte(22),
  };
}

function addSize(format: OpenFormat | undefined, fields: Fields): void {
  if (format?.frameSubtype !== fields.subtype) unusable("it is a size of a format that does not stand before it");
  const size = parseSize(fields);
  if (format.sizes.some(({ index }) => index === size.index)) unusable(`the format has a size ${size.index} already`);
  format.sizes.push(size);
}

/** UVC 1.5, 3.9.2.6. */
function addColor(format: OpenFormat | undefined, fields: Fields): void {
  fields.atLeast(6, "colour matching");
  if (format === undefined) unusable("it belongs to no format");
  format.color ??= { primaries: fields.byte(3), transfer: fields.byte(4), matrix: fields.byte(5) };
}
