import { catchError, defaultIfEmpty, forkJoin, map, mergeMap, of, throwError, type Observable } from "rxjs";
import { DescriptorError, DeviceError } from "../errors.js";
import type { ControlSetup } from "../transport.js";
import { parseConfigurationDescriptor } from "./configuration.js";
import { parseDeviceDescriptor } from "./device.js";
import type { ConfigurationDescriptor, DeviceDescriptor } from "./model.js";

/** Asks a device for `length` bytes. */
export type AskDevice = (setup: ControlSetup, length: number) => Observable<Uint8Array>;

/** bDescriptorType (USB 2.0, table 9-5). */
const types = { device: 1, configuration: 2 } as const;
const sizes = { device: 18, configuration: 9 } as const;
/** Where wTotalLength stands (USB 2.0, table 9-10). */
const totalLengthOffset = 2;
/** More than that no host reads. */
const maxConfigurations = 8;

/**
 * GET_DESCRIPTOR (USB 2.0, 9.4.3).
 * @internal
 */
export function getDescriptor(type: number, index: number, language = 0): ControlSetup {
  return {
    direction: "in",
    type: "standard",
    recipient: "device",
    request: 6,
    value: (type << 8) | index,
    index: language,
  };
}

/**
 * Errors: {@link DescriptorError}; what `ask` errors with.
 * @internal
 */
export function readDeviceDescriptor(ask: AskDevice): Observable<DeviceDescriptor> {
  return ask(getDescriptor(types.device, 0), sizes.device).pipe(map(parseDeviceDescriptor));
}

/**
 * Reads configurations whole. What the device refuses, and what does not parse, is left out.
 *
 * @param count bNumConfigurations
 * @internal
 */
export function readConfigurations(ask: AskDevice, count: number): Observable<ConfigurationDescriptor[]> {
  const indices = Array.from({ length: Math.min(count, maxConfigurations) }, (_, i) => i);
  return forkJoin(indices.map((index) => configurationAt(ask, index))).pipe(
    defaultIfEmpty([]),
    map((found) => found.flatMap((each) => each ?? [])),
  );
}

function configurationAt(ask: AskDevice, index: number): Observable<ConfigurationDescriptor | undefined> {
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

/**
 * What a device refuses to tell, or tells wrongly, it does not have.
 * @internal
 */
export function orNothing<T>(source: Observable<T>): Observable<T | undefined> {
  return source.pipe(
    catchError((error: unknown) => {
      const isRefusal = DescriptorError.is(error) || (DeviceError.is(error) && error.code === "control-stalled");
      return isRefusal ? of(undefined) : throwError(() => error);
    }),
  );
}
