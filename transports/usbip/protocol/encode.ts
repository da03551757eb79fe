import { writeDevice, writeText } from "./devices.js";
import {
  usbipStatus,
  type DeviceListReply,
  type ImportReply,
  type SubmitCommand,
  type SubmitReply,
  type UsbipMessage,
  type UsbipPackets,
} from "./messages.js";
import {
  busIdSize,
  deviceSize,
  operation,
  operationHeaderSize,
  packetDescriptorSize,
  protocolVersion,
  urbCommand,
  urbHeaderSize,
  viewOf,
} from "./wire.js";

/** The bytes of a message. Numbers are cut to the width of their fields. */
export function encodeMessage(message: UsbipMessage): Uint8Array {
  switch (message.type) {
    case "device-list-request":
      return operationOf(operation.requestDeviceList, 0, 0);
    case "device-list-reply":
      return deviceList(message);
    case "import-request": {
      const bytes = operationOf(operation.requestImport, 0, busIdSize);
      writeText(bytes, operationHeaderSize, message.busId, busIdSize);
      return bytes;
    }
    case "import-reply":
      return importReply(message);
    case "submit":
      return submit(message);
    case "submit-reply":
      return submitReply(message);
    case "unlink": {
      const bytes = new Uint8Array(urbHeaderSize);
      writeUrbHeader(bytes, urbCommand.unlink, message.seqnum, message.deviceId);
      viewOf(bytes).setUint32(20, message.target);
      return bytes;
    }
    case "unlink-reply": {
      const bytes = new Uint8Array(urbHeaderSize);
      writeUrbHeader(bytes, urbCommand.unlinkReply, message.seqnum);
      viewOf(bytes).setInt32(20, message.status);
      return bytes;
    }
  }
}

function operationOf(code: number, status: number, size: number): Uint8Array {
  const bytes = new Uint8Array(operationHeaderSize + size);
  const view = viewOf(bytes);
  view.setUint16(0, protocolVersion);
  view.setUint16(2, code);
  view.setUint32(4, status);
  return bytes;
}

function deviceList({ status, devices }: DeviceListReply): Uint8Array {
  if (status !== usbipStatus.ok) return operationOf(operation.replyDeviceList, status, 0);
  const size = devices.reduce((sum, { interfaces }) => sum + deviceSize + 4 * interfaces.length, 4);
  const bytes = operationOf(operation.replyDeviceList, status, size);
  viewOf(bytes).setUint32(operationHeaderSize, devices.length);
  let offset = operationHeaderSize + 4;
  for (const device of devices) {
    writeDevice(bytes, offset, { ...device, interfaceCount: device.interfaces.length });
    offset += deviceSize;
    for (const { interfaceClass, interfaceSubclass, interfaceProtocol } of device.interfaces) {
      bytes.set([interfaceClass, interfaceSubclass, interfaceProtocol, 0], offset);
      offset += 4;
    }
  }
  return bytes;
}

function importReply({ status, device }: ImportReply): Uint8Array {
  const bytes = operationOf(operation.replyImport, status, device === undefined ? 0 : deviceSize);
  if (device !== undefined) writeDevice(bytes, operationHeaderSize, device);
  return bytes;
}

function submit(message: SubmitCommand): Uint8Array {
  const { packets, data } = message;
  const bytes = new Uint8Array(urbHeaderSize + data.length + packetBytes(packets));
  writeUrbHeader(bytes, urbCommand.submit, message.seqnum, message.deviceId);
  const view = viewOf(bytes);
  view.setUint32(12, message.direction === "in" ? 1 : 0);
  view.setUint32(16, message.endpoint);
  view.setUint32(20, message.flags);
  view.setUint32(24, message.length);
  view.setUint32(28, message.startFrame);
  view.setUint32(32, packets?.lengths.length ?? message.packetCount);
  view.setUint32(36, message.interval);
  bytes.set(message.setup, 40);
  bytes.set(data, urbHeaderSize);
  writePackets(view, urbHeaderSize + data.length, packets);
  return bytes;
}

function submitReply(message: SubmitReply): Uint8Array {
  const { packets, data } = message;
  const bytes = new Uint8Array(urbHeaderSize + data.length + packetBytes(packets));
  writeUrbHeader(bytes, urbCommand.submitReply, message.seqnum);
  const view = viewOf(bytes);
  view.setInt32(20, message.status);
  view.setUint32(24, message.actualLength);
  view.setUint32(28, message.startFrame);
  view.setUint32(32, packets?.lengths.length ?? message.packetCount);
  view.setUint32(36, message.errorCount);
  bytes.set(data, urbHeaderSize);
  writePackets(view, urbHeaderSize + data.length, packets);
  return bytes;
}

function writeUrbHeader(bytes: Uint8Array, command: number, seqnum: number, deviceId = 0): void {
  const view = viewOf(bytes);
  view.setUint32(0, command);
  view.setUint32(4, seqnum);
  view.setUint32(8, deviceId);
}

function packetBytes(packets: UsbipPackets | undefined): number {
  return packets === undefined ? 0 : packets.lengths.length * packetDescriptorSize;
}

function writePackets(view: DataView, offset: number, packets: UsbipPackets | undefined): void {
  if (packets === undefined) return;
  const { offsets, lengths, actual, statuses } = packets;
  let at = offset;
  for (let i = 0; i < lengths.length; i++) {
    view.setUint32(at, offsets[i] ?? 0);
    view.setUint32(at + 4, lengths[i] ?? 0);
    view.setUint32(at + 8, actual[i] ?? 0);
    view.setInt32(at + 12, statuses[i] ?? 0);
    at += packetDescriptorSize;
  }
}
