import type { AlternateSetting, ConfigurationDescriptor, EndpointDescriptor } from "./descriptors/model.js";
import type { EndpointSelector } from "./device.js";
import { DescriptorError, EndpointError } from "./errors.js";
import { oneOf, wholeNumber } from "./numbers.js";

/** The speed that a device runs at, from 1.5 Mbit/s (`low`) to 10 or 20 Gbit/s (`super-plus`). */
export type Speed = "low" | "full" | "high" | "super" | "super-plus";

/** An isochronous endpoint, and where it stands in its configuration. */
export interface IsochEndpoint {
  readonly interfaceNumber: number;
  /** The alternate setting that has the endpoint. */
  readonly alternate: AlternateSetting;
  readonly endpoint: EndpointDescriptor;
}

const speeds: readonly Speed[] = ["low", "full", "high", "super", "super-plus"];

/** What a bus of 20 Gbit/s moves in 125 µs, in bytes, with nothing lost to coding: no endpoint can have more. */
const busIntervalBytes = 312_500;

/**
 * How long a service interval (a frame) of an isochronous endpoint is, in microseconds: 1 ms ×
 * 2^(bInterval-1) at full speed, 125 µs × 2^(bInterval-1) above (USB 2.0 and USB 3.2, 9.6.6).
 *
 * @throws {@link DescriptorError} `bad-descriptor` if bInterval is not within 1 to 16, and at low
 * speed, which has no isochronous transfers (USB 2.0, 5.6); {@link InvalidRequestError}
 * `invalid-option` if `speed` is none.
 *
 * @example
 * ```ts
 * import { serviceInterval } from "rx-isoch";
 *
 * export const framesPerSecond = 1_000_000 / serviceInterval({ interval: 1 }, "high");
 * ```
 *
 * @see {@link maxBytesPerInterval}
 */
export function serviceInterval(endpoint: Pick<EndpointDescriptor, "interval">, speed: Speed): number {
  const base = isochronousSpeed(speed) === "full" ? 1000 : 125;
  const { interval } = endpoint;
  if (!Number.isInteger(interval) || interval < 1 || interval > 16) {
    badEndpoint(`bInterval of an isochronous endpoint is 1 to 16, not ${interval}`);
  }
  return base * 2 ** (interval - 1);
}

/**
 * The most bytes that an isochronous endpoint moves in one service interval.
 *
 * | speed | bytes | from |
 * |---|---|---|
 * | `full` | bits 10..0 of wMaxPacketSize, at most 1023 | USB 2.0, 5.6.3 |
 * | `high` | bits 10..0, at most 1024, × (1 + bits 12..11) transactions, at most 3 | USB 2.0, 9.6.6 |
 * | `super` | wBytesPerInterval of the companion, at most packet × burst × mult | USB 3.2, 9.6.7 |
 * | `super-plus` | the same, or dwBytesPerInterval of the second companion | USB 3.2, 9.6.8 |
 *
 * 0 is an answer: it is how an alternate setting says that it takes no bandwidth. That goes for the
 * companion as well. Its number is what the host controller reserves, so a 0 is not replaced by
 * packet × burst × mult: more than was reserved would not go over the bus. For the same reason a
 * companion that claims more than its packets can hold is taken at what they hold, as hosts do. At
 * SuperSpeed every endpoint has a companion; where it is missing (a transport that cannot read it),
 * one packet per service interval is assumed.
 *
 * @throws {@link DescriptorError} `bad-descriptor` if a field is out of its range: the packet size, the
 * reserved multiplier 3 at high speed, a burst above 16 or a mult above 3, more bytes than any bus
 * moves in 125 µs; and at low speed. {@link InvalidRequestError} `invalid-option` if `speed` is none.
 *
 * @example
 * ```ts
 * import { maxBytesPerInterval } from "rx-isoch";
 *
 * export const bytes = maxBytesPerInterval({ maxPacketSize: 0x1400, companion: undefined }, "high"); // 3 × 1024
 * ```
 *
 * @see {@link serviceInterval}
 */
export function maxBytesPerInterval(
  endpoint: Pick<EndpointDescriptor, "maxPacketSize" | "companion">,
  speed: Speed,
): number {
  const { maxPacketSize, companion } = endpoint;
  const bus = isochronousSpeed(speed);
  const packet = maxPacketSize & 0x7ff;
  const limit = bus === "full" ? 1023 : 1024;
  if (packet > limit) badEndpoint(`the maximum packet size at ${bus} speed is ${limit} bytes, not ${packet}`);
  if (bus === "full") return packet;
  if (bus === "high") {
    const additional = (maxPacketSize >> 11) & 3;
    if (additional === 3)
      badEndpoint("bits 12..11 of wMaxPacketSize say 3 additional transactions, and 2 are the most");
    return packet * (1 + additional);
  }
  if (companion === undefined) return packet;
  const { burst, mult, bytesPerInterval } = companion;
  if (burst < 1 || burst > 16) badEndpoint(`a burst has 1 to 16 packets, not ${burst}`);
  if (mult < 1 || mult > 3) badEndpoint(`a service interval has 1 to 3 bursts, not ${mult}`);
  if (bytesPerInterval > busIntervalBytes) {
    badEndpoint(`no bus moves ${bytesPerInterval} bytes in a service interval; ${busIntervalBytes} are the most`);
  }
  return bus === "super" ? Math.min(bytesPerInterval, packet * burst * mult) : bytesPerInterval;
}

/**
 * Every isochronous endpoint of a configuration, once for each alternate setting that has it, in the
 * order of the configuration. Feedback endpoints are among them.
 *
 * @example
 * ```ts
 * import { type ConfigurationDescriptor, isochEndpoints, maxBytesPerInterval, type Speed } from "rx-isoch";
 *
 * export function list(configuration: ConfigurationDescriptor, speed: Speed): string[] {
 *   return isochEndpoints(configuration).map(({ interfaceNumber, alternate, endpoint }) => {
 *     const bytes = maxBytesPerInterval(endpoint, speed);
 *     return `${interfaceNumber}.${alternate.alternateSetting}: ${endpoint.address}, ${bytes} bytes`;
 *   });
 * }
 * ```
 *
 * @see {@link findIsochEndpoint}
 */
export function isochEndpoints(configuration: ConfigurationDescriptor): IsochEndpoint[] {
  return allEndpoints(configuration).filter(isIsochronous);
}

/**
 * The isochronous endpoint that `selector` means, in the alternate setting to select for it.
 *
 * Without `alternate`, that is the one where the endpoint has the most bytes per service interval,
 * the first of several. Alternate settings whose size cannot be computed are passed over.
 *
 * @throws {@link EndpointError} `no-such-endpoint` if the configuration (or the interface) has no
 * endpoint of this address, `not-isochronous` if it has one of another transfer type, and
 * `not-in-alternate` if it has one, and the alternate setting asked for has not; the messages say
 * what there is. {@link InvalidRequestError} `invalid-number` if a number of the selector is not
 * within 0 to 255, and `invalid-option` if `speed` is none. {@link DescriptorError} `bad-descriptor`
 * if the size can be computed in no alternate setting.
 *
 * @example
 * ```ts
 * import { type ConfigurationDescriptor, findIsochEndpoint } from "rx-isoch";
 *
 * export function largest(configuration: ConfigurationDescriptor): number {
 *   return findIsochEndpoint(configuration, { endpoint: 0x81 }, "high").alternate.alternateSetting;
 * }
 * ```
 *
 * @see {@link isochEndpoints}
 */
export function findIsochEndpoint(
  configuration: ConfigurationDescriptor,
  selector: EndpointSelector,
  speed: Speed,
): IsochEndpoint {
  const address = wholeNumber("endpoint", selector.endpoint, 0, 255);
  const interfaceNumber = optionalByte("interfaceNumber", selector.interfaceNumber);
  const setting = optionalByte("alternate", selector.alternate);
  oneOf("speed", speed, speeds);

  const name = hexAddress(address) + (interfaceNumber === undefined ? "" : ` in interface ${interfaceNumber}`);
  const places = allEndpoints(configuration).filter(
    (place) =>
      place.endpoint.address === address &&
      (interfaceNumber === undefined || place.interfaceNumber === interfaceNumber),
  );
  if (places.length === 0) {
    const others = describe(isochEndpoints(configuration));
    throw new EndpointError(
      "no-such-endpoint",
      `the device has no endpoint ${name}; ` +
        (others === "" ? "it has no isochronous endpoints" : `its isochronous endpoints are ${others}`),
    );
  }
  const selected = places.filter(({ alternate }) => setting === undefined || alternate.alternateSetting === setting);
  if (selected.length === 0) {
    throw new EndpointError(
      "not-in-alternate",
      `alternate setting ${String(setting)} does not have endpoint ${name}; these have it: ${describe(places)}`,
    );
  }
  const isochronous = selected.filter(isIsochronous);
  const [first] = isochronous;
  if (first === undefined) {
    const kinds = [...new Set(selected.map(({ endpoint }) => endpoint.transferType))].join(" and ");
    throw new EndpointError(
      "not-isochronous",
      `endpoint ${name} is a ${kinds} endpoint, and only isochronous ones can be streamed from here`,
    );
  }
  return setting === undefined ? largest(isochronous, first, speed) : first;
}

/** @throws {@link DescriptorError} if there is no size to compare: what is wrong with the first. */
function largest(places: readonly IsochEndpoint[], first: IsochEndpoint, speed: Speed): IsochEndpoint {
  let best = first;
  let most = -1;
  for (const place of places) {
    const bytes = sizeIn(place, speed) ?? -1;
    if (bytes > most) {
      best = place;
      most = bytes;
    }
  }
  if (most < 0) maxBytesPerInterval(first.endpoint, speed);
  return best;
}

/** The size of an endpoint, or `undefined` where its descriptor contradicts itself. */
function sizeIn(place: IsochEndpoint, speed: Speed): number | undefined {
  try {
    return maxBytesPerInterval(place.endpoint, speed);
  } catch (error) {
    if (DescriptorError.is(error)) return undefined;
    throw error;
  }
}

function allEndpoints(configuration: ConfigurationDescriptor): IsochEndpoint[] {
  return configuration.interfaces.flatMap(({ number, alternates }) =>
    alternates.flatMap((alternate) =>
      alternate.endpoints.map((endpoint) => ({ interfaceNumber: number, alternate, endpoint })),
    ),
  );
}

function isIsochronous({ endpoint }: IsochEndpoint): boolean {
  return endpoint.transferType === "isochronous";
}

/** "0x81 (interface 1, alternate settings 1, 2), 0x84 (interface 3, alternate settings 1)" */
function describe(places: readonly IsochEndpoint[]): string {
  const settings = new Map<string, number[]>();
  for (const { endpoint, interfaceNumber, alternate } of places) {
    const place = `${hexAddress(endpoint.address)} (interface ${interfaceNumber}`;
    const alternates = settings.get(place) ?? [];
    settings.set(place, alternates);
    alternates.push(alternate.alternateSetting);
  }
  return Array.from(settings, ([place, alternates]) => `${place}, alternate settings ${alternates.join(", ")})`).join(
    ", ",
  );
}

/**
 * An endpoint address as messages have it.
 * @internal
 */
export function hexAddress(address: number): string {
  return `0x${address.toString(16).padStart(2, "0")}`;
}

function optionalByte(what: string, value: unknown): number | undefined {
  return value === undefined ? undefined : wholeNumber(what, value, 0, 255);
}

function isochronousSpeed(speed: Speed): Exclude<Speed, "low"> {
  const known = oneOf("speed", speed, speeds);
  if (known === "low") badEndpoint("low speed has no isochronous endpoints");
  return known;
}

function badEndpoint(message: string): never {
  throw new DescriptorError("bad-descriptor", `${message}: the device's descriptor is wrong`);
}
