import { map } from "rxjs";
import type { IsochTransport, TransportDevice } from "../../src/index.js";

/** A transport with devices of which some calls are others. */
export function alteredTransport(
  inner: IsochTransport,
  change: (device: TransportDevice) => Partial<TransportDevice>,
): IsochTransport {
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    devices: () => inner.devices(),
    open: (selector) => inner.open(selector).pipe(map((device) => ({ ...bound(device), ...change(device) }))),
  };
}

/** What there is of a device, as a plain object. */
function bound(device: TransportDevice): TransportDevice {
  return {
    info: device.info,
    configuration: device.configuration,
    gone: device.gone,
    controlTransfer: (setup, data) => device.controlTransfer(setup, data),
    claimInterface: (number) => device.claimInterface(number),
    releaseInterface: (number) => device.releaseInterface(number),
    selectAlternate: (number, alternate) => device.selectAlternate(number, alternate),
    clearHalt: (address) => device.clearHalt(address),
    reset: () => device.reset(),
    openEndpoint: (address) => device.openEndpoint(address),
    close: () => device.close(),
  };
}
