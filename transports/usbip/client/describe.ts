import { forkJoin, map, mergeMap, of, type Observable } from "rxjs";
import {
  getDescriptor,
  orNothing,
  readConfigurations,
  readDeviceDescriptor,
  type AskDevice,
} from "../../../src/descriptors/read.js";
import type { DeviceDescription } from "./device-info.js";

/** bDescriptorType (USB 2.0, table 9-5). */
const stringType = 3;
const stringSize = 255;

/**
 * Reads the descriptors and strings of a device, in three round trips. What the device refuses, and a
 * configuration that does not parse, is left out.
 *
 * Errors: {@link DescriptorError} for a bad device descriptor; what `ask` errors with, but for a refusal.
 */
export function describeDevice(ask: AskDevice, configurationCount: number): Observable<DeviceDescription> {
  const configurations = readConfigurations(ask, configurationCount);
  return forkJoin({ descriptor: readDeviceDescriptor(ask), configurations, language: firstLanguage(ask) }).pipe(
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

/** The first language that the device has strings in. */
function firstLanguage(ask: AskDevice): Observable<number | undefined> {
  return ask(getDescriptor(stringType, 0), stringSize).pipe(
    map((bytes) => (bytes.length < 4 ? undefined : (bytes[2] ?? 0) | ((bytes[3] ?? 0) << 8))),
    orNothing,
  );
}

function stringAt(ask: AskDevice, index: number, language: number): Observable<string | undefined> {
  return ask(getDescriptor(stringType, index, language), stringSize).pipe(
    map((bytes) => {
      const [length = 0, type] = bytes;
      return type === stringType ? new TextDecoder("utf-16le").decode(bytes.subarray(2, length)) : undefined;
    }),
    orNothing,
  );
}
