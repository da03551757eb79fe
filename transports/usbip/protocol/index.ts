export { ByteQueue } from "./byte-queue.js";
export { MessageDecoder, type MessageParser } from "./decode.js";
export { encodeMessage } from "./encode.js";
export { errno, errnoOfStatus, statusOfErrno } from "../../../src/linux-errno.js";
export {
  urbFlags,
  usbipStatus,
  type DeviceListReply,
  type DeviceListRequest,
  type ImportReply,
  type ImportRequest,
  type OperationReply,
  type OperationRequest,
  type SubmitCommand,
  type SubmitReply,
  type UnlinkCommand,
  type UnlinkReply,
  type UrbCommand,
  type UrbReply,
  type UsbipDevice,
  type UsbipInterface,
  type UsbipListedDevice,
  type UsbipMessage,
  type UsbipPackets,
} from "./messages.js";
export { deviceListReply, importReply, operationRequest } from "./operations.js";
export { UrbReplyReader, type AwaitedReply, type UrbReplyHandler, type UrbReplyHeader } from "./urb-replies.js";
export { urbCommandMessage, urbReplyMessage, type SubmitContext, type UsbipLimits } from "./urbs.js";
export { packetDescriptorSize } from "./wire.js";
