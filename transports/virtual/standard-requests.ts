import { EndpointError, type ControlSetup } from "../../src/index.js";
import type { AttachedDevice } from "./attached-device.js";

/** bRequest of the standard requests (USB 2.0, table 9-4; USB 3.2, table 9-5). */
const standard = {
  getStatus: 0,
  clearFeature: 1,
  setFeature: 3,
  getDescriptor: 6,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
  setSystemExitLatency: 48,
  setIsochDelay: 49,
} as const;

/** bDescriptorType (USB 2.0, table 9-5; USB 3.2, table 9-6). */
const descriptorTypes = {
  device: 1,
  configuration: 2,
  string: 3,
  deviceQualifier: 6,
  binaryDeviceObjectStore: 15,
} as const;

/** Feature selector (USB 2.0, table 9-6). */
const endpointHalt = 0;

/** The most characters a string descriptor holds: its length is one byte. */
const maxStringLength = 126;

const nothing = new Uint8Array(0);

/**
 * Answers a standard request as a device does (USB 2.0, 9.4); `undefined` is a STALL.
 *
 * @param sender the handle that sends it
 */
export function answerStandardRequest(
  device: AttachedDevice,
  setup: ControlSetup,
  sender: object,
): Uint8Array | undefined {
  return setup.direction === "in" ? answerIn(device, setup) : answerOut(device, setup, sender);
}

function answerIn(device: AttachedDevice, { recipient, request, value, index }: ControlSetup): Uint8Array | undefined {
  switch (request) {
    case standard.getDescriptor:
      return recipient === "device" ? descriptor(device, value >> 8, value & 0xff) : undefined;
    case standard.getConfiguration:
      return recipient === "device" ? Uint8Array.of(device.configuration.value) : undefined;
    case standard.getInterface: {
      const setting = recipient === "interface" ? device.selectedAlternate(index) : undefined;
      return setting === undefined ? undefined : Uint8Array.of(setting);
    }
    case standard.getStatus:
      return status(device, recipient, index);
    default:
      return undefined;
  }
}

function answerOut(
  device: AttachedDevice,
  { recipient, request, value, index }: ControlSetup,
  sender: object,
): Uint8Array | undefined {
  switch (request) {
    case standard.setConfiguration:
      if (recipient !== "device" || value !== device.configuration.value) return undefined;
      device.reset();
      return nothing;
    case standard.setInterface:
      if (recipient !== "interface") return undefined;
      try {
        device.selectAlternate(index, value, sender);
      } catch (error) {
        if (EndpointError.is(error)) return undefined;
        throw error;
      }
      return nothing;
    case standard.clearFeature:
      if (recipient !== "endpoint" || value !== endpointHalt || !device.hasEndpoint(index)) return undefined;
      device.clearHalt(index);
      return nothing;
    case standard.setFeature:
      if (recipient !== "endpoint" || value !== endpointHalt || !device.hasEndpoint(index)) return undefined;
      device.halt(index);
      return nothing;
    case standard.setSystemExitLatency:
    case standard.setIsochDelay:
      // What a link is like is told to each SuperSpeed device (USB 3.2, 9.4.11 and 9.4.12).
      return recipient === "device" && isSuperSpeed(device) ? nothing : undefined;
    default:
      return undefined;
  }
}

function status(device: AttachedDevice, recipient: ControlSetup["recipient"], index: number): Uint8Array | undefined {
  switch (recipient) {
    case "device":
      return Uint8Array.of(device.configuration.selfPowered ? 1 : 0, 0);
    case "interface":
      return device.selectedAlternate(index) === undefined ? undefined : Uint8Array.of(0, 0);
    case "endpoint":
      return device.hasEndpoint(index) ? Uint8Array.of(device.isHalted(index) ? 1 : 0, 0) : undefined;
    case "other":
      return undefined;
  }
}

function isSuperSpeed({ model: { speed } }: AttachedDevice): boolean {
  return speed === "super" || speed === "super-plus";
}

function descriptor({ model }: AttachedDevice, type: number, index: number): Uint8Array | undefined {
  if (type === descriptorTypes.string) return stringDescriptor(model.strings ?? [], index);
  if (index !== 0) return undefined;
  switch (type) {
    case descriptorTypes.device:
      return model.deviceDescriptor;
    case descriptorTypes.configuration:
      return model.configurationDescriptor;
    case descriptorTypes.deviceQualifier:
      return model.speed === "high" ? qualifier(model.deviceDescriptor) : undefined;
    case descriptorTypes.binaryDeviceObjectStore:
      return model.bosDescriptor;
    default:
      return undefined;
  }
}

/** What a device would be at full speed, which each that runs at high speed tells (USB 2.0, 9.6.2): as it is here. */
function qualifier(device: Uint8Array): Uint8Array {
  return Uint8Array.of(10, descriptorTypes.deviceQualifier, ...device.subarray(2, 8), device[17] ?? 1, 0);
}

function stringDescriptor(strings: readonly string[], index: number): Uint8Array | undefined {
  if (index === 0) return Uint8Array.of(4, descriptorTypes.string, 0x09, 0x04);
  const text = strings[index - 1]?.slice(0, maxStringLength);
  if (text === undefined) return undefined;
  const bytes = new Uint8Array(2 + 2 * text.length);
  bytes.set([bytes.length, descriptorTypes.string]);
  for (let i = 0; i < text.length; i++) {
    bytes[2 + 2 * i] = text.charCodeAt(i) & 0xff;
    bytes[3 + 2 * i] = text.charCodeAt(i) >> 8;
  }
  return bytes;
}
