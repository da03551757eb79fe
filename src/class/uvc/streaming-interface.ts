import type { InterfaceDescriptor } from "../../descriptors/model.js";
import { streamingSubtypes as subtypes } from "./codes.js";
import { atLeast, type ClassDescriptor, parseEach, unusable } from "./fields.js";
import { encodingOf, guidAt } from "./guid.js";
import type { ColorMatching, SkippedDescriptor, VideoFormat, VideoSize, VideoStreaming } from "./model.js";
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

function parseHeader(descriptor: ClassDescriptor): Header {
  const { fields, subtype } = descriptor;
  if (subtype === subtypes.outputHeader) {
    atLeast(descriptor, "output header", 9);
    return { direction: "out", endpoint: fields.getUint8(6), terminal: fields.getUint8(8), stillMethod: 0 };
  }
  atLeast(descriptor, "input header", 12);
  return {
    direction: "in",
    endpoint: fields.getUint8(6),
    terminal: fields.getUint8(8),
    stillMethod: fields.getUint8(9),
  };
}

function parseFormat(descriptor: ClassDescriptor): OpenFormat {
  const { fields, subtype } = descriptor;
  const base = { sizes: [], color: undefined };
  if (subtype === subtypes.mjpegFormat) {
    atLeast(descriptor, "MJPEG format", 7);
    return {
      ...base,
      frameSubtype: subtypes.mjpegFrame,
      index: fields.getUint8(3),
      encoding: "mjpeg",
      guid: undefined,
      bitsPerPixel: 0,
      defaultSize: fields.getUint8(6),
    };
  }
  atLeast(descriptor, "format", 23);
  const guid = guidAt(fields, 5);
  return {
    ...base,
    frameSubtype: subtype === subtypes.uncompressedFormat ? subtypes.uncompressedFrame : subtypes.frameBasedFrame,
    index: fields.getUint8(3),
    encoding: encodingOf(guid),
    guid,
    bitsPerPixel: fields.getUint8(21),
    defaultSize: fields.getUint8(22),
  };
}

function addSize(format: OpenFormat | undefined, descriptor: ClassDescriptor): void {
  if (format?.frameSubtype !== descriptor.subtype) unusable("it is a size of a format that does not stand before it");
  const size = parseSize(descriptor);
  if (format.sizes.some(({ index }) => index === size.index)) unusable(`the format has a size ${size.index} already`);
  format.sizes.push(size);
}

/** UVC 1.5, 3.9.2.6. */
function addColor(format: OpenFormat | undefined, descriptor: ClassDescriptor): void {
  atLeast(descriptor, "colour matching", 6);
  if (format === undefined) unusable("it belongs to no format");
  const { fields } = descriptor;
  format.color ??= { primaries: fields.getUint8(3), transfer: fields.getUint8(4), matrix: fields.getUint8(5) };
}
