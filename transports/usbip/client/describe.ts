import { catchError, defaultIfEmpty, forkJoin, map, mergeMap, of, throwError, type Observable } from "rxjs";
import {
  DescriptorError,
  DeviceError,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  type ConfigurationDescriptor,
  type ControlSetup,
} from "../../../src/index.js";
import type { DeviceDescription } from "./device-info.js";

/** bDescriptorType (USB 2.0, table 9-5). */
const types = { device: 1, configuration: 2, string: 3 } as const;
const sizes = { device: 18, configuration: 9, string: 255 } as const;
/** Where wTotalLength stands (USB 2.0, table 9-10). */
const totalLengthOffset = 2;
/** More than that no host reads. */
const maxConfigurations = 8;

/** Asks a device for `length` bytes. */
type Ask = (setup: ControlSetup, length: number) => Observable<Uint8Array>;

/**
 * Reads the descriptors and strings of a device, in three round trips. What the device refuses, and a
 * configuration that does not parse, is left out.
 *
 * Errors: {@link DescriptorError} for a bad device descriptor; what `ask` errors with, but for a refusal.
 */
export function describeDevice(ask: Ask, configurationCount: number): Observable<DeviceDescription> {
  const count = Math.min(configurationCount, maxConfigurations);
  const device = ask(getDescriptor(types.device, 0), sizes.device).pipe(map(parseDeviceDescriptor));
  const configurations = forkJoin(Array.from({ length: count }, (_, i) => configurationAt(ask, i))).pipe(
    defaultIfEmpty([]),
    map((found) => found.flatMap((each) => each ?? [])),
  );
  return forkJoin({ descriptor: device, configurations, language: firstLanguage(ask) }).pipe(
    mergeMap(({ descriptor, configurations: read, language }) => {
      const text = (index: number) =>
        index === 0 || language === undefined ? of(undefined) : stringAt(ask, index, language);
      return forkJoin({
        descriptor: of(descriptor),
        configurations: of(read),
        manufacturer: text(descriptor.manufacturerIndex),
        product: text(descriptor.productIndex),
        serialNumber: text(descriptor.serialNumberIndex),
      });
    }),
  );
}

function configurationAt(ask: Ask, index: number): Observable<ConfigurationDescriptor | undefined> {
  const setup = getDescriptor(types.configuration, index);
  return ask(setup, sizes.configuration).pipe(
    mergeMap((header) => {
      const total = (header[totalLengthOffset] ?? 0) | ((header[totalLengthOffset + 1] ?? 0) << 8);
      return total <= header.length ? of(header.subarray(0, total)) : ask(setup, total);
    }),
    map(parseConfigurationDescriptor),
    orNothing,
  );
}

/** The first language that the device has strings in. */
function firstLanguage(ask: Ask): Observable<number | undefined> {
  return ask(getDescriptor(types.string, 0), sizes.string).pipe(
    map((bytes) => (bytes.length < 4 ? undefined : (bytes[2] ?? 0) | ((bytes[3] ?? 0) << 8))),
    orNothing,
  );
}

function stringAt(ask: Ask, index: number, language: number): Observable<string | undefined> {
  return ask(getDescriptor(types.string, index, language), sizes.string).pipe(
    map((bytes) => {
      const [length = 0, type] = bytes;
      return type === types.string ? new TextDecoder("utf-16le").decode(bytes.subarray(2, length)) : undefined;
    }),
    orNothing,
  );
}

function getDescriptor(type: number, index: number, language = 0): ControlSetup {
  return {
    direction: "in",
    type: "standard",
    recipient: "device",
    request: 6,
    value: (type << 8) | index,
    index: language,
  };
}

/** What the device refuses to tell, or tells wrongly, it does not have. */
function orNothing<T>(source: Observable<T>): Observable<T | undefined> {
  return source.pipe(
    catchError((error: unknown) => {
      const isRefusal = DescriptorError.is(error) || (DeviceError.is(error) && error.code === "control-stalled");
      return isRefusal ? of(undefined) : throwError(() => error);
    }),
  );
}
