import { parseConfigurationDescriptor, parseDeviceDescriptor, type DeviceInfo } from "../../../src/index.js";
import type { VirtualDevice } from "../../../transports/virtual/index.js";
import { encodeConfiguration, encodeDevice, encodeVendorInterface } from "../../../transports/virtual/descriptors.js";
import type { DescriptorFixture } from "../../fixtures/descriptors/fixture.js";

/** A real device, as a transport tells of it. */
export function infoOf(fixture: DescriptorFixture, rest: Partial<DeviceInfo> & Pick<DeviceInfo, "id">): DeviceInfo {
  return {
    speed: fixture.speed,
    descriptor: parseDeviceDescriptor(fixture.device),
    configurations: [parseConfigurationDescriptor(fixture.configuration)],
    product: fixture.name,
    ...rest,
  };
}

/** A device without isochronous endpoints: a hub, unless told otherwise. */
export function plainDevice({ deviceClass = 9, strings = ["rx-isoch", "hub", "h1"] } = {}): VirtualDevice {
  return {
    speed: "high",
    strings,
    deviceDescriptor: encodeDevice({
      usbVersion: 0x0200,
      maxPacketSize0: 64,
      vendorId: 0x1d6b,
      productId: 2,
      deviceClass,
      manufacturerIndex: 1,
      productIndex: 2,
      serialNumberIndex: 3,
    }),
    configurationDescriptor: encodeConfiguration(1, encodeVendorInterface(0, 0, 0)),
    endpoint: () => undefined,
  };
}
