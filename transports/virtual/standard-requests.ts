import type { ControlSetup } from "../../src/index.js";
import type { AttachedDevice } from "./attached-device.js";

/** bRequest of the standard requests (USB 2.0, table 9-4). */
const standard = {
  getStatus: 0,
  clearFeature: 1,
  setFeature: 3,
  getDescriptor: 6,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
} as const;

/** Feature selector (USB 2.0, table 9-6). */
const endpointHalt = 0;

const nothing = new Uint8Array(0);

/** Answers a standard request as a device does (USB 2.0, 9.4); `undefined` is a STALL. */
export function answerStandardRequest(device: AttachedDevice, setup: ControlSetup): Uint8Array | undefined {
  const { recipient, request, value, index } = setup;
  switch (request) {
    case standard.getDescriptor:
      return descriptor(device, value >> 8, value & 0xff);
    case standard.getConfiguration:
      return Uint8Array.of(device.configuration.value);
    case standard.setConfiguration:
      if (value !== device.configuration.value) return undefined;
      device.reset();
      return nothing;
    case standard.getInterface:
      return Uint8Array.of(device.selectedAlternate(index));
    case standard.setInterface:
      device.selectAlternate(index, value);
      return nothing;
    case standard.getStatus: {
      if (recipient !== "endpoint") return Uint8Array.of(recipient === "device" && device.configuration.selfPowered ? 1 : 0, 0);
      return Uint8Array.of(device.faultsOf(index).isHalted(device.frameOf(index)) ? 1 : 0, 0);
    }
    case standard.clearFeature:
      if (recipient !== "endpoint" || value !== endpointHalt) return undefined;
      device.faultsOf(index).clearHalt(device.frameOf(index));
      return nothing;
    case standard.setFeature:
      if (recipient !== "endpoint" || value !== endpointHalt) return undefined;
      device.faultsOf(index).halt(device.frameOf(index));
      return nothing;
    default:
      return undefined;
  }
}

function descriptor({ model }: AttachedDevice, type: number, index: number): Uint8Array | undefined {
  if (type === 1) return model.deviceDescriptor;
  if (type === 2) return index === 0 ? model.configurationDescriptor : undefined;
  if (type !== 3) return undefined;
  if (index === 0) return Uint8Array.of(4, 3, 0x09, 0x04);
  const text = model.strings?.[index - 1];
  if (text === undefined) return undefined;
  const bytes = new Uint8Array(2 + 2 * text.length);
  bytes.set([bytes.length, 3]);
  for (let i = 0; i < text.length; i++) {
    bytes[2 + 2 * i] = text.charCodeAt(i) & 0xff;
    bytes[3 + 2 * i] = text.charCodeAt(i) >> 8;
  }
  return bytes;
}
