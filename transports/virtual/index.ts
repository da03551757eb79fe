export { busTime } from "./bandwidth.js";
export { VirtualBus, type Attachment, type VirtualBusAudit, type VirtualBusOptions } from "./bus.js";
export { realTimeClock, schedulerClock, unpacedClock, type BusClock } from "./clock.js";
export {
  counterDevice,
  CounterDevice,
  counterProtocol,
  readCounter,
  writeCounter,
  type CounterDeviceOptions,
  type CounterStatistics,
} from "./devices/counter.js";
export type { VirtualDevice, VirtualInEndpoint, VirtualOutEndpoint } from "./device-model.js";
export type { HaltFault, HostStallFault, JitterFault, PacketFault, UnplugFault, VirtualFault } from "./faults.js";
