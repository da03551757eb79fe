import type { ConfigurationDescriptor, InterfaceDescriptor, RawDescriptor } from "../../descriptors/model.js";
import { DescriptorError } from "../../errors.js";
import { unusable, type Fields } from "../fields.js";
import { controlSubtypes as subtypes, videoClass, videoSubclasses } from "./codes.js";
import type { SkippedDescriptor, VideoFunction, VideoStreaming, VideoTerminal, VideoUnit } from "./model.js";
import { parseEach } from "./parse-each.js";
import { parseStreaming } from "./streaming-interface.js";

/** The header of a VideoControl interface (UVC 1.5, 3.7.2). */
interface Header {
  readonly version: number;
  readonly clockFrequency: number;
  /** baInterfaceNr. */
  readonly interfaces: readonly number[];
}

/**
 * The video functions of a configuration, in its order: cameras, grabbers, video outputs. Of each, what the
 * class-specific descriptors of its VideoControl interface and of its streaming interfaces say (UVC 1.5,
 * 3.7 and 3.9).
 *
 * A class-specific descriptor stands by itself, so one that is too short, contradicts itself or is of no known
 * kind costs nothing but itself: it is listed in `skipped`, with the reason. Only without the header of the
 * VideoControl interface nothing is known. Streaming interfaces that the header does not name count as well
 * where they follow in the same association, and where there is one function: headers are wrong about that.
 *
 * @throws `DescriptorError` `bad-descriptor` for a VideoControl interface without a header that can be read
 *
 * @example
 * ```ts
 * import type { ConfigurationDescriptor } from "rx-isoch";
 * import { videoFunctions } from "rx-isoch/class/uvc";
 *
 * export function sizes(configuration: ConfigurationDescriptor): string[] {
 *   return videoFunctions(configuration).flatMap(({ streaming }) =>
 *     streaming.flatMap(({ formats }) =>
 *       formats.flatMap((format) => format.sizes.map((size) => `${format.encoding} ${size.width} × ${size.height}`)),
 *     ),
 *   );
 * }
 * ```
 */
export function videoFunctions(configuration: ConfigurationDescriptor): VideoFunction[] {
  const controls = configuration.interfaces.filter((each) => isVideo(each, videoSubclasses.control));
  const parsed = controls.map(parseControl);
  const named = new Set(parsed.flatMap(({ header }) => header.interfaces));
  const streaming = configuration.interfaces.filter((each) => isVideo(each, videoSubclasses.streaming));
  return parsed.map(({ header, interfaceNumber, terminals, units, skipped }) => {
    const isOwn = ({ number }: InterfaceDescriptor) =>
      header.interfaces.includes(number) ||
      (!named.has(number) && isTogether(configuration, interfaceNumber, number, parsed.length));
    return {
      version: header.version,
      clockFrequency: header.clockFrequency,
      interfaceNumber,
      terminals,
      units,
      streaming: streaming
        .filter(isOwn)
        .map(parseStreaming)
        .filter((each): each is VideoStreaming => each !== undefined),
      skipped,
    };
  });
}

function isVideo({ alternates }: InterfaceDescriptor, subclass: number): boolean {
  return alternates.some((each) => each.interfaceClass === videoClass && each.interfaceSubclass === subclass);
}

function isTogether(
  { associations }: ConfigurationDescriptor,
  control: number,
  streaming: number,
  functions: number,
): boolean {
  if (functions === 1) return true;
  return associations.some(({ firstInterface, interfaceCount }) =>
    [control, streaming].every((each) => each >= firstInterface && each < firstInterface + interfaceCount),
  );
}

function parseControl({ number, alternates }: InterfaceDescriptor) {
  const extra: readonly RawDescriptor[] = alternates.flatMap((each) => each.extra);
  const terminals: VideoTerminal[] = [];
  const units: VideoUnit[] = [];
  const skipped: SkippedDescriptor[] = [];
  let header: Header | undefined;
  parseEach(extra, skipped, (each) => {
    switch (each.subtype) {
      case subtypes.header:
        if (header !== undefined) unusable("the interface has a header already");
        header = parseHeader(each);
        break;
      case subtypes.inputTerminal:
      case subtypes.outputTerminal:
        terminals.push(parseTerminal(each));
        break;
      default:
        units.push(parseUnit(each));
    }
  });
  if (header !== undefined) return { interfaceNumber: number, header, terminals, units, skipped };
  const reason = skipped[0]?.reason ?? "it has none";
  throw new DescriptorError(
    "bad-descriptor",
    `the VideoControl interface ${number} has no header that can be read (${reason}): the device's descriptor is wrong`,
  );
}

/** UVC 1.5, 3.7.2: 12 bytes, and one for each streaming interface. */
function parseHeader(fields: Fields): Header {
  fields.atLeast(12, "VideoControl header");
  const count = Math.min(fields.byte(11), fields.length - 12);
  return {
    version: fields.word(3),
    clockFrequency: fields.long(7),
    interfaces: Array.from({ length: count }, (_, i) => fields.byte(12 + i)),
  };
}

function parseTerminal(fields: Fields): VideoTerminal {
  const isInput = fields.subtype === subtypes.inputTerminal;
  fields.atLeast(isInput ? 8 : 9, isInput ? "input terminal" : "output terminal");
  return {
    direction: isInput ? "input" : "output",
    id: fields.byte(3),
    type: fields.word(4),
    associatedTerminal: fields.byte(6),
    source: isInput ? undefined : fields.byte(7),
  };
}

const kinds: Readonly<Record<number, VideoUnit["kind"]>> = {
  [subtypes.selectorUnit]: "selector",
  [subtypes.processingUnit]: "processing",
  [subtypes.extensionUnit]: "extension",
  [subtypes.encodingUnit]: "encoding",
};

function parseUnit(fields: Fields): VideoUnit {
  const kind = kinds[fields.subtype];
  if (kind === undefined) unusable(`nothing is known of the subtype 0x${fields.subtype.toString(16)}`);
  fields.atLeast(5, `${kind} unit`);
  return { kind, id: fields.byte(3), descriptor: fields.descriptor };
}
