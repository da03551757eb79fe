import type { Direction, Speed } from "../../../src/index.js";

/** A device as it stands in OP_REP_DEVLIST and OP_REP_IMPORT. */
export interface UsbipDevice {
  /** Where it is at the exporting side; means nothing to anybody else. At most 255 bytes. */
  readonly path: string;
  /** What OP_REQ_IMPORT asks for it by, such as `1-1`: 1 to 31 printable ASCII characters. */
  readonly busId: string;
  readonly busNumber: number;
  readonly deviceNumber: number;
  /** `undefined` for a number that stands for no speed we know. */
  readonly speed: Speed | undefined;
  readonly vendorId: number;
  readonly productId: number;
  /** bcdDevice. */
  readonly deviceVersion: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  /** bConfigurationValue; 0 where none is selected. */
  readonly configurationValue: number;
  readonly configurationCount: number;
  readonly interfaceCount: number;
}

/** An interface as it stands in OP_REP_DEVLIST. */
export interface UsbipInterface {
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
}

/** A device of OP_REP_DEVLIST, with as many interfaces as its `interfaceCount` says. */
export interface UsbipListedDevice extends UsbipDevice {
  readonly interfaces: readonly UsbipInterface[];
}

/** OP_REQ_DEVLIST. */
export interface DeviceListRequest {
  readonly type: "device-list-request";
}

/** OP_REP_DEVLIST. */
export interface DeviceListReply {
  readonly type: "device-list-reply";
  /** One of {@link usbipStatus}. */
  readonly status: number;
  /** Empty where the status is not `ok`. */
  readonly devices: readonly UsbipListedDevice[];
}

/** OP_REQ_IMPORT. */
export interface ImportRequest {
  readonly type: "import-request";
  readonly busId: string;
}

/** OP_REP_IMPORT. */
export interface ImportReply {
  readonly type: "import-reply";
  /** One of {@link usbipStatus}. */
  readonly status: number;
  /** Set where the status is `ok`. */
  readonly device: UsbipDevice | undefined;
}

/** Status of a reply before an import. */
export const usbipStatus = {
  ok: 0,
  notAvailable: 1,
  busy: 2,
  deviceError: 3,
  noSuchDevice: 4,
  error: 5,
} as const;

/** Bits of {@link SubmitCommand.flags} (Documentation/driver-api/usb/URB.rst). */
export const urbFlags = {
  /** URB_ISO_ASAP. */
  isoAsap: 0x0002,
  /** URB_DIR_IN. */
  directionIn: 0x0200,
} as const;

/** The packets of an isochronous transfer, one array a field. */
export interface UsbipPackets {
  /** Where each is in the buffer of the client; in OUT data that is the data on the wire. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly actual: Uint32Array;
  /** 0 or a negative errno. */
  readonly statuses: Int32Array;
}

/** USBIP_CMD_SUBMIT. */
export interface SubmitCommand {
  readonly type: "submit";
  readonly seqnum: number;
  /** Bus number × 65536 + device number. */
  readonly deviceId: number;
  readonly direction: Direction;
  /** Without the bit of the direction. */
  readonly endpoint: number;
  /** See {@link urbFlags}. */
  readonly flags: number;
  /** Bytes of the client's buffer: how many it wants, or how many it sends. */
  readonly length: number;
  /** Modulo 2^32, in frames at full speed and microframes above. */
  readonly startFrame: number;
  readonly interval: number;
  /** The eight bytes of a setup packet; zeros but for a control transfer. */
  readonly setup: Uint8Array;
  /** Set for an isochronous transfer, with at least one packet. */
  readonly packets: UsbipPackets | undefined;
  /** The number of packets as it stands on the wire: where there are none, 0 or 0xffffffff. */
  readonly packetCount: number;
  /** OUT: `length` bytes. IN: none. */
  readonly data: Uint8Array;
}

/** USBIP_RET_SUBMIT. */
export interface SubmitReply {
  readonly type: "submit-reply";
  readonly seqnum: number;
  /** 0 or a negative errno. */
  readonly status: number;
  readonly actualLength: number;
  /** Modulo 2^32, in frames at full speed and microframes above. */
  readonly startFrame: number;
  readonly errorCount: number;
  /** Set for an isochronous transfer. */
  readonly packets: UsbipPackets | undefined;
  /** As in the command. */
  readonly packetCount: number;
  /** IN: `actualLength` bytes, those of isochronous packets one directly after the other. OUT: none. */
  readonly data: Uint8Array;
}

/** USBIP_CMD_UNLINK. */
export interface UnlinkCommand {
  readonly type: "unlink";
  readonly seqnum: number;
  readonly deviceId: number;
  /** The number of the submit that is to be unlinked. */
  readonly target: number;
}

/** USBIP_RET_UNLINK. */
export interface UnlinkReply {
  readonly type: "unlink-reply";
  readonly seqnum: number;
  /** -ECONNRESET: unlinked, and no reply to the submit will come. 0: it came before. */
  readonly status: number;
}

/** What a client sends before an import. */
export type OperationRequest = DeviceListRequest | ImportRequest;
/** What a server answers before an import. */
export type OperationReply = DeviceListReply | ImportReply;
/** What a client sends after an import. */
export type UrbCommand = SubmitCommand | UnlinkCommand;
/** What a server answers after an import. */
export type UrbReply = SubmitReply | UnlinkReply;
/** Any message of the protocol. */
export type UsbipMessage = OperationRequest | OperationReply | UrbCommand | UrbReply;
