import { DeviceError, InvalidRequestError, isochEndpoints, type DeviceInfo } from "../index.js";
import { nameOf } from "./names.js";

/**
 * The one device that is meant: by its id, by vendor:product in hex, or by a part of its product name,
 * manufacturer or serial number in whatever case; without any of these, the one there is. Devices without
 * isochronous endpoints are meant only where no other is.
 *
 * @throws DeviceError `no-such-device`; InvalidRequestError `invalid-option` where several are meant,
 * which have to be told apart by id
 */
export function selectDevice(devices: readonly DeviceInfo[], wanted: string | undefined): DeviceInfo {
  const matching = wanted === undefined ? devices : devices.filter(matcher(devices, wanted));
  const useful = matching.filter(hasIsochEndpoints);
  const meant = useful.length > 0 ? useful : matching;
  const [device] = meant;
  const what = wanted === undefined ? "there" : `'${wanted}'`;
  if (device === undefined) {
    throw new DeviceError("no-such-device", `no USB device is ${what}: plug it in, or see what the command list shows`);
  }
  if (meant.length === 1) return device;
  const ids = meant.map((info) => `${info.id} (${nameOf({ info })})`).join(", ");
  throw new InvalidRequestError(
    "invalid-option",
    wanted === undefined
      ? `there is more than one device, choose by id: ${ids}`
      : `'${wanted}' is more than one device, choose by id: ${ids}`,
  );
}

/**
 * The devices that have to be looked at to know which is meant: those whose id or numbers are it, or else
 * all, whose names may be known only then.
 */
export function candidates(devices: readonly DeviceInfo[], wanted: string | undefined): readonly DeviceInfo[] {
  if (wanted === undefined) return devices;
  const matching = devices.filter(matcher(devices, wanted));
  return matching.length > 0 ? matching : devices;
}

export function hasIsochEndpoints({ configurations }: DeviceInfo): boolean {
  return configurations.some((configuration) => isochEndpoints(configuration).length > 0);
}

/** Vendor and product, where that is how a device is named: in hex, with a colon between. */
export function numbersOf(wanted: string): { readonly vendorId: number; readonly productId: number } | undefined {
  const [, vendor, product] = /^(?:0x)?([0-9a-f]{1,4}):(?:0x)?([0-9a-f]{1,4})$/i.exec(wanted) ?? [];
  if (vendor === undefined || product === undefined) return undefined;
  return { vendorId: parseInt(vendor, 16), productId: parseInt(product, 16) };
}

function matcher(devices: readonly DeviceInfo[], wanted: string): (device: DeviceInfo) => boolean {
  if (devices.some(({ id }) => id === wanted)) return ({ id }) => id === wanted;
  const numbers = numbersOf(wanted);
  if (numbers !== undefined) {
    return ({ descriptor }) => descriptor.vendorId === numbers.vendorId && descriptor.productId === numbers.productId;
  }
  const part = wanted.toLowerCase();
  return ({ product, manufacturer, serialNumber }) =>
    [product, manufacturer, serialNumber].some((name) => name?.toLowerCase().includes(part));
}
