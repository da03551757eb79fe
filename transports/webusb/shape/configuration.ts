import {
  maxBytesPerInterval,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type EndpointDescriptor,
  type InterfaceDescriptor,
  type Speed,
} from "../../../src/index.js";
import type { WebUsbAlternate, WebUsbConfiguration, WebUsbEndpoint, WebUsbInterface } from "../usb.js";

/** What changes of an interface while the device is open. */
export interface InterfaceState {
  readonly claimed: boolean;
  readonly alternateSetting: number;
}

/** `USBConfiguration`: its interfaces say what is claimed and selected now. */
export function toConfiguration(
  descriptor: ConfigurationDescriptor,
  speed: Speed,
  stateOf: (interfaceNumber: number) => InterfaceState,
): WebUsbConfiguration {
  return {
    configurationValue: descriptor.value,
    configurationName: null,
    interfaces: descriptor.interfaces.map((each) => toInterface(each, speed, () => stateOf(each.number))),
  };
}

function toInterface(
  { number, alternates }: InterfaceDescriptor,
  speed: Speed,
  state: () => InterfaceState,
): WebUsbInterface {
  const all = alternates.map((alternate) => toAlternate(alternate, speed));
  const [first = none] = all;
  return {
    interfaceNumber: number,
    alternates: all,
    get alternate() {
      const { alternateSetting } = state();
      return all.find((each) => each.alternateSetting === alternateSetting) ?? first;
    },
    get claimed() {
      return state().claimed;
    },
  };
}

function toAlternate(alternate: AlternateSetting, speed: Speed): WebUsbAlternate {
  return {
    alternateSetting: alternate.alternateSetting,
    interfaceClass: alternate.interfaceClass,
    interfaceSubclass: alternate.interfaceSubclass,
    interfaceProtocol: alternate.interfaceProtocol,
    interfaceName: null,
    endpoints: alternate.endpoints.flatMap((endpoint) => toEndpoint(endpoint, speed) ?? []),
  };
}

function toEndpoint(endpoint: EndpointDescriptor, speed: Speed): WebUsbEndpoint | undefined {
  const { address, direction, transferType } = endpoint;
  if (transferType === "control") return undefined;
  return { endpointNumber: address & 0x0f, direction, type: transferType, packetSize: packetSizeOf(endpoint, speed) };
}

/** With the transactions of an interval, or the packets of a burst, as the specification has it. */
function packetSizeOf(endpoint: EndpointDescriptor, speed: Speed): number {
  const { maxPacketSize, transferType, companion } = endpoint;
  if (transferType === "isochronous") {
    try {
      return maxBytesPerInterval(endpoint, speed);
    } catch {
      return maxPacketSize;
    }
  }
  if (companion !== undefined) return (maxPacketSize & 0x7ff) * companion.burst;
  return (maxPacketSize & 0x7ff) * (1 + ((maxPacketSize >> 11) & 3));
}

const none: WebUsbAlternate = {
  alternateSetting: 0,
  interfaceClass: 0,
  interfaceSubclass: 0,
  interfaceProtocol: 0,
  interfaceName: null,
  endpoints: [],
};
