export { abort } from "./abort.js";
export { close } from "./close.js";
export { compact } from "./compact.js";
export { frames } from "./frames.js";
export { gaps } from "./gaps.js";
export { issue, type IssueOptions, type UnderrunPolicy } from "./issue.js";
export {
  packetize,
  type ByteSource,
  type ConstantPackets,
  type PacketizeOptions,
  type RatedPackets,
} from "./packetize.js";
export { payload, type BadFramePolicy, type PayloadOptions } from "./payload.js";
export { throughput, type Throughput, type ThroughputOptions } from "./throughput.js";
