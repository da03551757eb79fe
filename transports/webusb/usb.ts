// What this library uses of WebUSB (https://wicg.github.io/webusb/), as types of its own: a browser's objects fit,
// and nobody needs a package of global types.

/** How a transfer, or a packet of it, ended. */
export type WebUsbStatus = "ok" | "stall" | "babble";

/** `USBEndpoint`. What is missing of the descriptor, bInterval among it, has to be read from the device. */
export interface WebUsbEndpoint {
  readonly endpointNumber: number;
  readonly direction: "in" | "out";
  readonly type: "bulk" | "interrupt" | "isochronous";
  /** By the specification, the bytes of an interval; in Chromium, wMaxPacketSize as it stands. */
  readonly packetSize: number;
}

/** `USBAlternateInterface`. */
export interface WebUsbAlternate {
  readonly alternateSetting: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
  readonly interfaceName: string | null;
  readonly endpoints: WebUsbEndpoint[];
}

/** `USBInterface`. */
export interface WebUsbInterface {
  readonly interfaceNumber: number;
  /** The one that is selected. */
  readonly alternate: WebUsbAlternate;
  readonly alternates: WebUsbAlternate[];
  readonly claimed: boolean;
}

/** `USBConfiguration`. */
export interface WebUsbConfiguration {
  readonly configurationValue: number;
  readonly configurationName: string | null;
  readonly interfaces: WebUsbInterface[];
}

/** `USBControlTransferParameters`. */
export interface WebUsbControlSetup {
  requestType: "standard" | "class" | "vendor";
  recipient: "device" | "interface" | "endpoint" | "other";
  request: number;
  value: number;
  index: number;
}

/** `USBInTransferResult`, and `USBIsochronousInTransferPacket`, which is the same. */
export interface WebUsbInResult {
  readonly data?: DataView | undefined;
  readonly status: WebUsbStatus;
}

/** `USBOutTransferResult`, and `USBIsochronousOutTransferPacket`, which is the same. */
export interface WebUsbOutResult {
  readonly bytesWritten: number;
  readonly status: WebUsbStatus;
}

/** `USBIsochronousInTransferResult`. */
export interface WebUsbIsochInResult {
  readonly data?: DataView | undefined;
  /** The packets that were asked for; `data` of each is a part of the whole. */
  readonly packets: WebUsbInResult[];
}

/** `USBIsochronousOutTransferResult`. */
export interface WebUsbIsochOutResult {
  readonly packets: WebUsbOutResult[];
}

/** Memory that is written from, `BufferSource`. */
export type WebUsbBytes = ArrayBufferView<ArrayBuffer> | ArrayBuffer;

/** `USBDevice`: a browser's, or any object of that shape. */
export interface WebUsbDevice {
  readonly usbVersionMajor: number;
  readonly usbVersionMinor: number;
  readonly usbVersionSubminor: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceVersionMajor: number;
  readonly deviceVersionMinor: number;
  readonly deviceVersionSubminor: number;
  readonly manufacturerName?: string | null | undefined;
  readonly productName?: string | null | undefined;
  readonly serialNumber?: string | null | undefined;
  /** The one that is selected; `null` for a device that is in none. */
  readonly configuration: WebUsbConfiguration | null;
  readonly configurations: WebUsbConfiguration[];
  readonly opened: boolean;
  /** Begins a session; one that is open stays so. */
  open(): Promise<void>;
  /** Aborts what runs, releases what is claimed, and ends the session. */
  close(): Promise<void>;
  /** SET_CONFIGURATION. Nothing is claimed afterwards. */
  selectConfiguration(configurationValue: number): Promise<void>;
  /** Takes an interface for this page alone. */
  claimInterface(interfaceNumber: number): Promise<void>;
  /** Gives an interface back. */
  releaseInterface(interfaceNumber: number): Promise<void>;
  /** SET_INTERFACE, of an interface that is claimed. */
  selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void>;
  /** A control transfer that brings `length` bytes at most. */
  controlTransferIn(setup: WebUsbControlSetup, length: number): Promise<WebUsbInResult>;
  /** A control transfer that sends `data`. */
  controlTransferOut(setup: WebUsbControlSetup, data?: WebUsbBytes): Promise<WebUsbOutResult>;
  /** CLEAR_FEATURE(ENDPOINT_HALT). */
  clearHalt(direction: "in" | "out", endpointNumber: number): Promise<void>;
  /** One packet a frame, each with room for so many bytes. Rejects as a whole where one failed. */
  isochronousTransferIn(endpointNumber: number, packetLengths: number[]): Promise<WebUsbIsochInResult>;
  /** One packet a frame, each of so many bytes of `data`. Rejects as a whole where one failed. */
  isochronousTransferOut(
    endpointNumber: number,
    data: WebUsbBytes,
    packetLengths: number[],
  ): Promise<WebUsbIsochOutResult>;
  /** Aborts what runs, and resets the device. */
  reset(): Promise<void>;
}

/** `USBDevice` with what this library has no use for: what {@link toWebUsb} makes. */
export interface FullWebUsbDevice extends WebUsbDevice {
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;
  /** Gives the permission back; of a device that {@link toWebUsb} made, closes it. */
  forget(): Promise<void>;
  /** Bulk or interrupt, IN. */
  transferIn(endpointNumber: number, length: number): Promise<WebUsbInResult>;
  /** Bulk or interrupt, OUT. */
  transferOut(endpointNumber: number, data: WebUsbBytes): Promise<WebUsbOutResult>;
}

/** `USBDeviceFilter`. What is left out matches every device. */
export interface WebUsbFilter {
  vendorId?: number | undefined;
  productId?: number | undefined;
  classCode?: number | undefined;
  subclassCode?: number | undefined;
  protocolCode?: number | undefined;
  serialNumber?: string | undefined;
}

/** `USBDeviceRequestOptions`: what the user is asked to choose from. */
export interface WebUsbRequestOptions {
  /** Devices that one of them matches; all, where there is none. */
  filters: WebUsbFilter[];
  /** Of those, devices that none of them matches. */
  exclusionFilters?: WebUsbFilter[] | undefined;
}

/** `USBConnectionEvent`. */
export interface WebUsbConnection {
  readonly device: WebUsbDevice;
}

/** `USB`: a browser's `navigator.usb`, or any object of that shape. */
export interface WebUsb {
  /** The devices that the page may use and that are there. */
  getDevices(): Promise<WebUsbDevice[]>;
  /** Asks the user for a device, in a click. */
  requestDevice(options: WebUsbRequestOptions): Promise<WebUsbDevice>;
  /** Hears of devices that the page may use. */
  addEventListener(type: "connect" | "disconnect", listener: (event: WebUsbConnection) => void): void;
  /** Hears no more of them. */
  removeEventListener(type: "connect" | "disconnect", listener: (event: WebUsbConnection) => void): void;
}

/** `USB` with devices that {@link toWebUsb} makes. */
export interface FullWebUsb extends WebUsb {
  /** The devices that the page may use and that are there. */
  getDevices(): Promise<FullWebUsbDevice[]>;
  /** Asks the user for a device, in a click. */
  requestDevice(options?: WebUsbRequestOptions): Promise<FullWebUsbDevice>;
}
