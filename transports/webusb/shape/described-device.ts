import type { DeviceInfo } from "../../../src/index.js";

/** The attributes of a `USBDevice` that its device descriptor and its strings tell: they never change. */
export class DescribedDevice {
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
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;

  constructor({ descriptor, manufacturer, product, serialNumber }: DeviceInfo) {
    [this.usbVersionMajor, this.usbVersionMinor, this.usbVersionSubminor] = digits(descriptor.usbVersion);
    [this.deviceVersionMajor, this.deviceVersionMinor, this.deviceVersionSubminor] = digits(descriptor.deviceVersion);
    this.deviceClass = descriptor.deviceClass;
    this.deviceSubclass = descriptor.deviceSubclass;
    this.deviceProtocol = descriptor.deviceProtocol;
    this.vendorId = descriptor.vendorId;
    this.productId = descriptor.productId;
    this.manufacturerName = manufacturer ?? null;
    this.productName = product ?? null;
    this.serialNumber = serialNumber ?? null;
  }
}

/** 0xJJMN: version JJ.M.N. */
function digits(bcd: number): [number, number, number] {
  return [bcd >> 8, (bcd >> 4) & 0xf, bcd & 0xf];
}
