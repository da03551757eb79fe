import { catchError, concat, defer, EMPTY, ignoreElements, map, type Observable } from "rxjs";
import {
  getDescriptor,
  readConfigurations,
  readDeviceDescriptor,
  type AskDevice,
} from "../../../src/descriptors/read.js";
import type { ControlSetup, DeviceInfo, TransportDevice } from "../../../src/index.js";
import { writeRemark } from "../format/remark.js";
import { descriptorTypes, requests } from "../format/setup.js";
import { ControlEvents } from "./control-events.js";
import { packetOf, type DeviceAddress, type Recorder } from "./recorder.js";

const english = 0x0409;

/**
 * Asks a device for its descriptors, and puts the packets that tell of that into `packets`: for what the transport knows
 * already, the strings and the configuration, the device is not bothered. Errors with nothing: what the
 * device refuses is left out.
 */
export function describeDevice(
  device: TransportDevice,
  recorder: Recorder,
  address: DeviceAddress,
  packets: Uint8Array[],
): Observable<never> {
  const { info, configuration } = device;
  const put = (setup: ControlSetup, length: number, answer: Uint8Array) => {
    const events = new ControlEvents(address, recorder.nextId(), setup, length);
    const comment = setup.value === descriptorTypes.device << 8 ? writeRemark({ speed: info.speed }) : undefined;
    const time = recorder.now();
    packets.push(packetOf(events.submission(time)), packetOf(events.completion(time, answer), comment));
  };
  const ask: AskDevice = (setup, length) =>
    device.controlTransfer(setup, length).pipe(
      map((answer) => {
        put(setup, length, answer);
        return answer;
      }),
    );
  return concat(
    readDeviceDescriptor(ask).pipe(ignoreElements(), untilRefused),
    readConfigurations(ask, info.descriptor.configurationCount).pipe(ignoreElements(), untilRefused),
    defer(() => {
      put(getConfiguration, 1, Uint8Array.of(configuration.value));
      for (const [index, text] of stringsOf(info)) {
        put(getDescriptor(descriptorTypes.string, index, english), 255, stringDescriptor(text));
      }
      return EMPTY;
    }),
  );
}

const getConfiguration: ControlSetup = {
  direction: "in",
  type: "standard",
  recipient: "device",
  request: requests.getConfiguration,
  value: 0,
  index: 0,
};

function untilRefused(source: Observable<never>): Observable<never> {
  return source.pipe(catchError(() => EMPTY));
}

function stringsOf({ descriptor, manufacturer, product, serialNumber }: DeviceInfo): Map<number, string> {
  const strings = new Map<number, string>();
  const add = (index: number, text: string | undefined) => {
    if (index !== 0 && text !== undefined) strings.set(index, text);
  };
  add(descriptor.manufacturerIndex, manufacturer);
  add(descriptor.productIndex, product);
  add(descriptor.serialNumberIndex, serialNumber);
  return strings;
}

/** A string descriptor (USB 2.0, 9.6.7): UTF-16, 126 units at most. */
function stringDescriptor(text: string): Uint8Array {
  const units = Array.from({ length: Math.min(text.length, 126) }, (_, i) => text.charCodeAt(i));
  return Uint8Array.from([
    2 + 2 * units.length,
    descriptorTypes.string,
    ...units.flatMap((each) => [each & 0xff, each >> 8]),
  ]);
}
