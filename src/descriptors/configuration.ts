import { parseEndpoint } from "./endpoint.js";
import type {
  AlternateSetting,
  ConfigurationDescriptor,
  EndpointDescriptor,
  InterfaceAssociation,
  InterfaceDescriptor,
  RawDescriptor,
} from "./model.js";
import {
  badDescriptor,
  type DescriptorBlock,
  descriptorAt,
  descriptorsIn,
  descriptorTypes,
  type LocatedDescriptor,
  raw,
  requireLength,
  splitAt,
} from "./reader.js";

/**
 * Takes a configuration descriptor apart, with all that comes behind it up to wTotalLength: the
 * interfaces with their alternate settings, endpoints, companions and associations (USB 2.0, 9.6.3;
 * USB 3.2, 9.6.3 to 9.6.8).
 *
 * What it has no field for (class-specific, vendor-specific and unknown descriptors) is kept where it
 * stood: behind an endpoint, behind an interface, or before the first interface. The result holds
 * views into `bytes`, no copies, and nobody writes to them.
 *
 * Taken as it is, because devices do it:
 * - counts that are wrong: bNumInterfaces and bNumEndpoints are not looked at, what is there counts;
 * - an interface whose alternate settings do not stand together, or in order;
 * - an alternate setting that is there twice: the first counts, the second is left out;
 * - an endpoint that is there twice in an alternate setting: both are listed;
 * - an endpoint with an address that no endpoint can have (number 0, reserved bits): it counts as
 *   unknown, as does a companion without an endpoint;
 * - descriptors that are longer than they have to be, zeros at the end of the configuration, and bytes
 *   behind it.
 *
 * @param bytes - What GET_DESCRIPTOR answered, at least wTotalLength of it.
 * @throws {@link DescriptorError} `bad-descriptor`, naming the byte, if this is no configuration
 * descriptor, if wTotalLength says more than was given, if a descriptor runs past the end or is too
 * short for its kind, or if a bLength below 2 leaves it open where the next one begins.
 *
 * @example
 * ```ts
 * import { isochEndpoints, parseConfigurationDescriptor } from "rx-isoch";
 *
 * export function isochronousInterfaces(bytes: Uint8Array): Set<number> {
 *   const configuration = parseConfigurationDescriptor(bytes);
 *   return new Set(isochEndpoints(configuration).map(({ interfaceNumber }) => interfaceNumber));
 * }
 * ```
 */
export function parseConfigurationDescriptor(bytes: Uint8Array): ConfigurationDescriptor {
  const header = descriptorAt(bytes, 0, bytes.length);
  if (header.type !== descriptorTypes.configuration) {
    badDescriptor(`a configuration descriptor has type 0x2, and the one at byte 0 has 0x${header.type.toString(16)}`);
  }
  requireLength(header, "configuration", 9);
  const { fields } = header;
  const totalLength = fields.getUint16(2, true);
  if (totalLength > bytes.length) {
    badDescriptor(
      `the configuration at byte 0 is ${totalLength} bytes long, and ${bytes.length} were given: ` +
        `read the descriptor again with a wLength of ${totalLength}`,
    );
  }
  if (totalLength < header.bytes.length) {
    badDescriptor(
      `the configuration at byte 0 says it is ${totalLength} bytes long in all, and its header alone is ${header.bytes.length}`,
    );
  }

  const all = descriptorsIn(bytes, header.bytes.length, totalLength);
  const associations = all.filter(isAssociation).map(parseAssociation);
  const { before, blocks } = splitAt(
    all.filter((descriptor) => !isAssociation(descriptor)),
    descriptorTypes.interface,
  );
  const attributes = fields.getUint8(7);
  return {
    value: fields.getUint8(5),
    descriptionIndex: fields.getUint8(6),
    selfPowered: (attributes & 0x40) !== 0,
    remoteWakeup: (attributes & 0x20) !== 0,
    maxPower: fields.getUint8(8),
    interfaces: gather(blocks.map(parseAlternate)),
    associations,
    extra: before.map(raw),
  };
}

function isAssociation({ type }: LocatedDescriptor): boolean {
  return type === descriptorTypes.interfaceAssociation;
}

/** An interface association (USB 3.2, 9.6.4). */
function parseAssociation(descriptor: LocatedDescriptor): InterfaceAssociation {
  requireLength(descriptor, "interface association", 8);
  const { fields } = descriptor;
  return {
    firstInterface: fields.getUint8(2),
    interfaceCount: fields.getUint8(3),
    functionClass: fields.getUint8(4),
    functionSubclass: fields.getUint8(5),
    functionProtocol: fields.getUint8(6),
    descriptionIndex: fields.getUint8(7),
  };
}

/** An alternate setting (USB 2.0, 9.6.5) with everything up to the next interface descriptor. */
function parseAlternate({ head, body }: DescriptorBlock): AlternateSetting {
  requireLength(head, "interface", 9);
  const { fields } = head;
  const { before, blocks } = splitAt(body, descriptorTypes.endpoint);
  const endpoints: EndpointDescriptor[] = [];
  const extra: RawDescriptor[] = before.map(raw);
  for (const block of blocks) {
    const endpoint = parseEndpoint(block);
    if (endpoint === undefined) extra.push(raw(block.head), ...block.body.map(raw));
    else endpoints.push(endpoint);
  }
  return {
    interfaceNumber: fields.getUint8(2),
    alternateSetting: fields.getUint8(3),
    interfaceClass: fields.getUint8(5),
    interfaceSubclass: fields.getUint8(6),
    interfaceProtocol: fields.getUint8(7),
    descriptionIndex: fields.getUint8(8),
    endpoints,
    extra,
  };
}

/** The interfaces that the alternate settings belong to, in the order of their first appearance. */
function gather(alternates: readonly AlternateSetting[]): InterfaceDescriptor[] {
  const interfaces = new Map<number, Map<number, AlternateSetting>>();
  for (const alternate of alternates) {
    const { interfaceNumber, alternateSetting } = alternate;
    const settings = interfaces.get(interfaceNumber) ?? new Map<number, AlternateSetting>();
    interfaces.set(interfaceNumber, settings);
    if (!settings.has(alternateSetting)) settings.set(alternateSetting, alternate);
  }
  return Array.from(interfaces, ([number, settings]) => ({ number, alternates: [...settings.values()] }));
}
