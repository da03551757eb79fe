import type { ConfigurationDescriptor } from "../../descriptors/model.js";
import {
  isochEndpoints,
  maxBytesPerInterval,
  serviceInterval,
  type IsochEndpoint,
  type Speed,
} from "../../endpoint.js";
import { BandwidthError, DescriptorError, EndpointError } from "../../errors.js";
import { inWords, rateOf } from "./choice.js";
import type { NegotiatedVideo } from "./negotiate.js";
import { pictureBytes } from "./raw-pictures.js";

/** Bytes of a payload header with both time stamps. */
const headerLength = 12;
/** Cameras that are given less than this in an interval choke, as Linux' driver found. */
const leastEstimate = 1024;
/** The most that an endpoint of any kind moves in a service interval, by speed. */
const most: Readonly<Record<Speed, number>> = { low: 0, full: 1023, high: 3072, super: 49_152, "super-plus": 98_304 };

/** The alternate setting to stream in. */
export interface VideoAlternate {
  readonly interfaceNumber: number;
  /** bAlternateSetting. */
  readonly alternate: number;
  /** bEndpointAddress. */
  readonly endpoint: number;
  /** Bytes that the endpoint carries in a service interval. */
  readonly bytes: number;
  /** Microseconds from one bus frame to the next. */
  readonly frameDuration: number;
  /** Bytes that a payload takes at most. */
  readonly payloadSize: number;
  /** dwMaxPayloadTransferSize could not be, and `payloadSize` stands in for it. */
  readonly isEstimated: boolean;
}

type Candidate = Omit<VideoAlternate, "payloadSize" | "isEstimated">;

/**
 * The smallest alternate setting whose endpoint carries dwMaxPayloadTransferSize in a service interval
 * (UVC 1.5, 2.4.3 and 4.3.1.1).
 *
 * There are devices that say what cannot be: nothing, more than the bus moves, or 16 bits that were extended by
 * their sign. The last are cut to 16 bits. For the others, and for more than any alternate setting carries, a
 * raw picture tells what it needs: its bytes in its interval, with a header in each payload, and 1024 where
 * there is room. Of what is compressed nobody knows: for what cannot be, the largest alternate setting is taken.
 *
 * @throws `BandwidthError` `bandwidth-exceeded` if no alternate setting carries so much;
 * `EndpointError` `not-isochronous` for a camera that streams over a bulk endpoint, `no-such-endpoint` for one
 * without an endpoint
 */
export function chooseAlternate(
  configuration: ConfigurationDescriptor,
  negotiated: NegotiatedVideo,
  speed: Speed,
): VideoAlternate {
  const candidates = candidatesFor(configuration, negotiated, speed);
  const largest = candidates.at(-1);
  if (largest === undefined) throw noEndpoint(configuration, negotiated);
  const reported = withoutSign(negotiated.committed.maxPayloadSize);
  const fitting = reported === 0 ? undefined : candidates.find(({ bytes }) => bytes >= reported);
  if (fitting !== undefined) return { ...fitting, payloadSize: reported, isEstimated: false };

  const needed = neededBytes(negotiated, largest.frameDuration);
  const isImpossible = reported === 0 || reported > most[speed];
  const payloadSize = needed === undefined ? (isImpossible ? largest.bytes : reported) : roomFor(needed, largest.bytes);
  const estimated = candidates.find(({ bytes }) => bytes >= payloadSize);
  if (estimated !== undefined) return { ...estimated, payloadSize, isEstimated: true };
  throw new BandwidthError(
    "bandwidth-exceeded",
    `${inWords(negotiated)} at ${rateOf(negotiated.interval)} frames per second takes ${payloadSize} bytes in each interval, ` +
      `and the largest alternate setting has ${largest.bytes}: choose a smaller size or a lower frameRate`,
  );
}

/** From the smallest to the largest. */
function candidatesFor(configuration: ConfigurationDescriptor, { streaming }: NegotiatedVideo, speed: Speed) {
  return isochEndpoints(configuration)
    .filter(({ interfaceNumber, endpoint }) => {
      return interfaceNumber === streaming.interfaceNumber && endpoint.address === streaming.endpoint;
    })
    .flatMap((place) => candidate(place, speed) ?? [])
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => a.bytes - b.bytes);
}

/** `undefined` where the descriptor contradicts itself. */
function candidate({ interfaceNumber, alternate, endpoint }: IsochEndpoint, speed: Speed): Candidate | undefined {
  try {
    return {
      interfaceNumber,
      alternate: alternate.alternateSetting,
      endpoint: endpoint.address,
      bytes: maxBytesPerInterval(endpoint, speed),
      frameDuration: serviceInterval(endpoint, speed),
    };
  } catch (error) {
    if (DescriptorError.is(error)) return undefined;
    throw error;
  }
}

function withoutSign(size: number): number {
  return size >= 0xffff_0000 ? size - 0xffff_0000 : size;
}

/** Of a raw picture: bytes in each service interval. */
function neededBytes({ format, size, interval }: NegotiatedVideo, frameDuration: number): number | undefined {
  const bytes = pictureBytes(format.encoding, size.width, size.height);
  if (bytes === undefined) return undefined;
  return Math.ceil((bytes * frameDuration * 10) / interval) + headerLength;
}

function roomFor(needed: number, largest: number): number {
  return needed > largest ? needed : Math.min(Math.max(needed, leastEstimate), largest);
}

function noEndpoint({ interfaces }: ConfigurationDescriptor, { streaming }: NegotiatedVideo): EndpointError {
  const { interfaceNumber } = streaming;
  const alternates = interfaces.find(({ number }) => number === interfaceNumber)?.alternates ?? [];
  const types = new Set(alternates.flatMap(({ endpoints }) => endpoints.map(({ transferType }) => transferType)));
  if (types.has("bulk")) {
    return new EndpointError(
      "not-isochronous",
      `interface ${interfaceNumber} streams its video over a bulk endpoint, and only isochronous ones can be streamed from here`,
    );
  }
  return new EndpointError(
    "no-such-endpoint",
    `interface ${interfaceNumber} has no isochronous endpoint for its video: the device's descriptor is wrong`,
  );
}
