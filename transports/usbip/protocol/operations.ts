import type { MessageParser } from "./decode.js";
import { readBusId, readDevice, readInterfaces } from "./devices.js";
import {
  usbipStatus,
  type DeviceListReply,
  type ImportReply,
  type OperationRequest,
  type UsbipListedDevice,
} from "./messages.js";
import {
  busIdSize,
  deviceSize,
  operation,
  operationHeaderSize,
  protocolError,
  protocolVersion,
  viewOf,
} from "./wire.js";

/** Devices in a list, at most: a few more than the ports of any machine. */
const maxDevices = 1024;

/** Reads OP_REQ_DEVLIST or OP_REQ_IMPORT. */
export function* operationRequest(): MessageParser<OperationRequest> {
  const { code } = yield* operationHeader();
  if (code === operation.requestDeviceList) return { type: "device-list-request" };
  if (code !== operation.requestImport) throw protocolError(`asked for the unknown operation 0x${code.toString(16)}`);
  return { type: "import-request", busId: readBusId(yield busIdSize) };
}

/** Reads OP_REP_DEVLIST. */
export function* deviceListReply(): MessageParser<DeviceListReply> {
  const { code, status } = yield* operationHeader();
  if (code !== operation.replyDeviceList) throw protocolError("answered something else than a device list");
  const type = "device-list-reply";
  if (status !== usbipStatus.ok) return { type, status, devices: [] };
  const count = viewOf(yield 4).getUint32(0);
  if (count > maxDevices) throw protocolError(`announced ${count} devices, and ${maxDevices} are the most`);
  const devices: UsbipListedDevice[] = [];
  for (let i = 0; i < count; i++) {
    const device = readDevice(yield deviceSize);
    devices.push({ ...device, interfaces: readInterfaces(yield 4 * device.interfaceCount) });
  }
  return { type, status, devices };
}

/** Reads OP_REP_IMPORT. */
export function* importReply(): MessageParser<ImportReply> {
  const { code, status } = yield* operationHeader();
  if (code !== operation.replyImport) throw protocolError("answered something else than an import");
  const type = "import-reply";
  if (status !== usbipStatus.ok) return { type, status, device: undefined };
  return { type, status, device: readDevice(yield deviceSize) };
}

function* operationHeader(): MessageParser<{ readonly code: number; readonly status: number }> {
  const header = viewOf(yield operationHeaderSize);
  const version = header.getUint16(0);
  if (version !== protocolVersion) {
    throw protocolError(`speaks version 0x${version.toString(16)}, not 0x${protocolVersion.toString(16)}`);
  }
  return { code: header.getUint16(2), status: header.getUint32(4) };
}
