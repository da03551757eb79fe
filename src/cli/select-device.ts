import { DeviceError, InvalidRequestError, isochEndpoints, type DeviceInfo } from "../index.js";
import { nameOf } from "./names.js";

/**
 * The one device that is meant: by its id, by vendor:product in hex, or by a part of its product name,
 * manufacturer or serial number in whatever case. Devices without isochronous endpoints are meant
 * only where no other is.
 *
 * @throws DeviceError `no-such-device`; InvalidRequestError `invalid-option` where several are meant,
 * which have to be told apart by id
 */
export function selectDevice(devices: readonly DeviceInfo[], wanted: string): DeviceInfo {
  const matching = devices.filter(matcher(devices, wanted));
  const useful = matching.filter(hasIsochEndpoints);
  const meant = useful.length > 0 ? useful : matching;
  const [device] = meant;
  if (device === undefined) {
    throw new DeviceError("no-such-device", `no USB device is '${wanted}': plug it in, or see what --list shows`);
  }
  if (meant.length === 1) return device;
  const candidates = meant.map((info) => `${info.id} (${nameOf({ info })})`).join(", ");
  throw new InvalidRequestError("invalid-option", `'${wanted}' is more than one device, choose by id: ${candidates}`);
}

export function hasIsochEndpoints({ configurations }: DeviceInfo): boolean {
  return configurations.some((configuration) => isochEndpoints(configuration).length > 0);
}

function matcher(devices: readonly DeviceInfo[], wanted: string): (device: DeviceInfo) => boolean {
  if (devices.some(({ id }) => id === wanted)) return ({ id }) => id === wanted;
  const [, vendor, product] = /^(?:0x)?([0-9a-f]{1,4}):(?:0x)?([0-9a-f]{1,4})$/i.exec(wanted) ?? [];
  if (vendor !== undefined && product !== undefined) {
    const vendorId = parseInt(vendor, 16);
    const productId = parseInt(product, 16);
    return ({ descriptor }) => descriptor.vendorId === vendorId && descriptor.productId === productId;
  }
  const part = wanted.toLowerCase();
  return ({ product, manufacturer, serialNumber }) =>
    [product, manufacturer, serialNumber].some((name) => name?.toLowerCase().includes(part));
}
