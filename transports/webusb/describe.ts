import { forkJoin, map, mergeMap, type Observable } from "rxjs";
import type { DeviceInfo } from "../../src/index.js";
import {
  getDescriptor,
  orNothing,
  readConfigurations,
  readDeviceDescriptor,
  type AskDevice,
} from "../../src/descriptors/read.js";
import { deduceSpeed } from "./speed.js";

/** bDescriptorType of DEVICE_QUALIFIER (USB 2.0, table 9-5), and its size. */
const qualifier = { type: 6, size: 10 } as const;

/**
 * Reads from an open device what WebUSB does not tell. A configuration that does not parse is left out.
 *
 * Errors: {@link DescriptorError} for a bad device descriptor; what `ask` errors with, but for a refusal.
 */
export function describeDevice(ask: AskDevice, info: DeviceInfo): Observable<DeviceInfo> {
  return readDeviceDescriptor(ask).pipe(
    mergeMap((descriptor) =>
      forkJoin({
        configurations: readConfigurations(ask, descriptor.configurationCount),
        hasQualifier: ask(getDescriptor(qualifier.type, 0), qualifier.size).pipe(
          orNothing,
          map((answer) => answer?.[1] === qualifier.type),
        ),
      }).pipe(
        map(({ configurations, hasQualifier }) => ({
          ...info,
          speed: deduceSpeed(descriptor, configurations, hasQualifier),
          descriptor,
          configurations,
        })),
      ),
    ),
  );
}
