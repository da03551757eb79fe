import type { Observable, Subscription } from "rxjs";
import type { ConfigurationDescriptor, DeviceInfo, IsochError, IsochTransport } from "../../../src/index.js";
import { hubClass } from "../../../src/descriptors/device.js";
import { asIsochError } from "../../../src/errors.js";
import type { UsbipListedDevice } from "../protocol/index.js";

/** Who has imported a device. */
export interface DeviceOwner {
  /** It is about to give the device back. */
  readonly isLeaving: boolean;
  /** Completes when it has. */
  readonly left: Observable<never>;
  /** The device is gone. */
  unplugged(): void;
}

/** A device that clients can import. */
export class ExportedDevice {
  readonly transport: IsochTransport;
  readonly info: DeviceInfo;
  readonly busId: string;
  readonly #busNumber: number;
  readonly #deviceNumber: number;
  /** Set while a client has it, until the last of it is given back. */
  owner: DeviceOwner | undefined;

  constructor(transport: IsochTransport, info: DeviceInfo, busNumber: number, port: number, deviceNumber: number) {
    this.transport = transport;
    this.info = info;
    this.busId = `${busNumber}-${port}`;
    this.#busNumber = busNumber;
    this.#deviceNumber = deviceNumber;
  }

  /** What the list says of it: only who opens it learns which configuration is selected, so it is the first. */
  get entry(): UsbipListedDevice {
    return this.entryIn(this.info.configurations[0]);
  }

  /** What is said of it where that configuration is selected. */
  entryIn(configuration: ConfigurationDescriptor | undefined): UsbipListedDevice {
    const { descriptor, speed } = this.info;
    const interfaces = (configuration?.interfaces ?? []).map(({ alternates }) => ({
      interfaceClass: alternates[0]?.interfaceClass ?? 0,
      interfaceSubclass: alternates[0]?.interfaceSubclass ?? 0,
      interfaceProtocol: alternates[0]?.interfaceProtocol ?? 0,
    }));
    return {
      path: `/sys/devices/rx-isoch/${this.transport.name}/usb${this.#busNumber}/${this.busId}`,
      busId: this.busId,
      busNumber: this.#busNumber,
      deviceNumber: this.#deviceNumber,
      speed,
      vendorId: descriptor.vendorId,
      productId: descriptor.productId,
      deviceVersion: descriptor.deviceVersion,
      deviceClass: descriptor.deviceClass,
      deviceSubclass: descriptor.deviceSubclass,
      deviceProtocol: descriptor.deviceProtocol,
      configurationValue: configuration?.value ?? 0,
      configurationCount: descriptor.configurationCount,
      interfaceCount: interfaces.length,
      interfaces,
    };
  }

  /** What the wire knows it by: bus number × 65536 + device number. */
  get deviceId(): number {
    return this.#busNumber * 0x10000 + this.#deviceNumber;
  }
}

/** The devices of some transports: a transport is a bus, and a device has the lowest port that is free. */
export class ExportedDevices {
  readonly #byBusId = new Map<string, ExportedDevice>();
  readonly #subscriptions: readonly Subscription[];
  #deviceNumber = 0;

  constructor(
    transports: readonly IsochTransport[],
    isExported: (device: DeviceInfo, transport: IsochTransport) => boolean,
    failed: (error: IsochError) => void,
  ) {
    this.#subscriptions = transports.map((transport, index) =>
      transport.devices().subscribe({
        next: ({ type, device }) => {
          if (type === "detach") this.#detach(transport, device.id);
          else if (device.descriptor.deviceClass !== hubClass && isExported(device, transport)) {
            this.#attach(transport, device, index + 1);
          }
        },
        error: (error: unknown) => {
          for (const { info } of this.#of(transport)) this.#detach(transport, info.id);
          failed(asIsochError(error));
        },
      }),
    );
  }

  list(): ExportedDevice[] {
    return [...this.#byBusId.values()];
  }

  find(busId: string): ExportedDevice | undefined {
    return this.#byBusId.get(busId);
  }

  /** Follows the transports no longer. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#byBusId.clear();
  }

  #of(transport: IsochTransport): ExportedDevice[] {
    return this.list().filter((device) => device.transport === transport);
  }

  #attach(transport: IsochTransport, info: DeviceInfo, busNumber: number): void {
    if (this.#of(transport).some((device) => device.info.id === info.id)) return;
    let port = 1;
    while (this.#byBusId.has(`${busNumber}-${port}`)) port++;
    this.#deviceNumber = (this.#deviceNumber % 0xffff) + 1;
    const device = new ExportedDevice(transport, info, busNumber, port, this.#deviceNumber);
    this.#byBusId.set(device.busId, device);
  }

  #detach(transport: IsochTransport, id: string): void {
    const device = this.#of(transport).find(({ info }) => info.id === id);
    if (device === undefined) return;
    this.#byBusId.delete(device.busId);
    device.owner?.unplugged();
  }
}
