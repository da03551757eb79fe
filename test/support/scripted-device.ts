import type { ControlSetup } from "../../src/index.js";
import {
  concatenate,
  encodeConfiguration,
  encodeDevice,
  encodeIsochEndpoint,
  encodeVendorInterface,
} from "../../transports/virtual/descriptors.js";
import type { VirtualDevice, VirtualInEndpoint, VirtualOutEndpoint } from "../../transports/virtual/index.js";

/** An endpoint of a {@link scriptedDevice}. */
export interface ScriptedEndpoint {
  readonly address: number;
  readonly maxPacketSize?: number;
  /** bInterval. */
  readonly interval?: number;
  /** Makes a packet. Default: a full one of zeros. */
  readonly produce?: VirtualInEndpoint["produce"];
  /** Takes a packet. */
  readonly consume?: VirtualOutEndpoint["consume"];
}

/** What a {@link scriptedDevice} does. */
export interface Script {
  readonly speed?: "full" | "high";
  /** One list for each interface, which has them in alternate setting 1. */
  readonly interfaces: readonly (readonly ScriptedEndpoint[])[];
  readonly strings?: readonly string[];
  readonly control?: (setup: ControlSetup, data: number | Uint8Array) => Uint8Array | undefined;
  readonly alternateSelected?: (interfaceNumber: number, alternate: number, time: number) => void;
  /** Instead of what the endpoints say. */
  readonly endpoint?: VirtualDevice["endpoint"];
}

export const scriptedIds = { vendorId: 0x1209, productId: 0x0ace } as const;

/** A device of which a test says what it does. */
export function scriptedDevice(script: Script): VirtualDevice {
  const { interfaces, speed = "full", control, alternateSelected } = script;
  const endpoints = new Map(interfaces.flat().map((each) => [each.address, modelOf(each)]));
  return {
    speed,
    deviceDescriptor: encodeDevice({
      usbVersion: 0x0200,
      maxPacketSize0: 64,
      ...scriptedIds,
      manufacturerIndex: 1,
    }),
    configurationDescriptor: encodeConfiguration(
      interfaces.length,
      ...interfaces.map((list, number) =>
        concatenate(
          encodeVendorInterface(number, 0, 0),
          encodeVendorInterface(number, 1, list.length),
          ...list.map(({ address, maxPacketSize = 64, interval }) =>
            encodeIsochEndpoint(address, maxPacketSize, interval),
          ),
        ),
      ),
    ),
    strings: script.strings ?? ["scripted"],
    endpoint: script.endpoint ?? ((address) => endpoints.get(address)),
    ...(control && { control }),
    ...(alternateSelected && { alternateSelected }),
  };
}

function modelOf({ address, produce, consume }: ScriptedEndpoint): VirtualInEndpoint | VirtualOutEndpoint {
  if ((address & 0x80) === 0) return { direction: "out", consume: consume ?? (() => undefined) };
  return { direction: "in", produce: produce ?? ((_frame, _buffer, _offset, capacity) => capacity) };
}
