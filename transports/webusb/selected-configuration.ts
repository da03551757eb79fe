import { DescriptorError, DeviceError, type ConfigurationDescriptor, type DeviceInfo } from "../../src/index.js";
import type { WebUsbDevice } from "./usb.js";

/**
 * Selects the first configuration of a device that is in none.
 *
 * @throws {@link DeviceError} `not-configured` where it has none
 */
export async function configure(usb: WebUsbDevice, id: string): Promise<void> {
  if (usb.configuration !== null) return;
  const [first] = usb.configurations;
  if (first === undefined) {
    throw new DeviceError("not-configured", `${id} has no configuration: use another device`);
  }
  await usb.selectConfiguration(first.configurationValue);
}

/**
 * The descriptor of the configuration that a device is in.
 *
 * @throws {@link DescriptorError} `bad-descriptor` where that could not be read
 */
export function selectedConfiguration({ configuration }: WebUsbDevice, info: DeviceInfo): ConfigurationDescriptor {
  const value = configuration?.configurationValue;
  const found = info.configurations.find((each) => each.value === value);
  if (found !== undefined) return found;
  throw new DescriptorError(
    "bad-descriptor",
    `${info.id} is in configuration ${String(value)}, which has no valid descriptor: use another device`,
  );
}
