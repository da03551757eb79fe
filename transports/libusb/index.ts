export type { LibusbCounters } from "./addon.js";
export type { HotplugSource } from "./hotplug.js";
export type { WindowsDriver } from "./capabilities.js";
export { libusb, libusbCounters, type LibusbOptions } from "./transport.js";
