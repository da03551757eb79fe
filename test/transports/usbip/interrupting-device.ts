import { counterDevice, type VirtualDevice } from "rx-isoch/transports/virtual";
import {
  concatenate,
  encodeConfiguration,
  encodeIsochEndpoint,
  encodeVendorInterface,
} from "../../../transports/virtual/descriptors.js";

const bulk = 2;
const interrupt = 3;
const endpoint = (address: number, type: number) => Uint8Array.of(7, 5, address, type, 64, 0, 4);

/**
 * Interface 0, alternate setting 1: counters from 0x81, interrupts from 0x82. Interface 1, which has
 * nothing to select: interrupts from 0x83 and to 0x03, bulk from 0x84.
 */
export function interruptingDevice(): VirtualDevice {
  const counter = counterDevice();
  return {
    speed: "high",
    deviceDescriptor: counter.deviceDescriptor,
    configurationDescriptor: encodeConfiguration(
      2,
      encodeVendorInterface(0, 0, 0),
      encodeVendorInterface(0, 1, 2),
      concatenate(encodeIsochEndpoint(0x81, 64), endpoint(0x82, interrupt)),
      encodeVendorInterface(1, 0, 3),
      concatenate(endpoint(0x83, interrupt), endpoint(0x03, interrupt), endpoint(0x84, bulk)),
    ),
    endpoint: (address) => counter.endpoint(address),
    alternateSelected: (interfaceNumber, alternate, time) => {
      if (interfaceNumber === 0) counter.alternateSelected(interfaceNumber, alternate, time);
    },
  };
}
