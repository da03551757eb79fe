import { oneOf } from "../../../src/numbers.js";
import type { Speed } from "../../../src/index.js";

/** What usbmon has no field for, in the comment of the packet that brings the device descriptor. */
export interface DeviceRemark {
  readonly speed: Speed;
}

const label = "rx-isoch ";
const speeds = ["low", "full", "high", "super", "super-plus"] as const;

export function writeRemark(remark: DeviceRemark): string {
  return label + JSON.stringify(remark);
}

/** `undefined` for a comment that somebody else wrote. */
export function readRemark(comment: string): DeviceRemark | undefined {
  if (!comment.startsWith(label)) return undefined;
  try {
    const { speed } = JSON.parse(comment.slice(label.length)) as { speed: Speed };
    return { speed: oneOf("speed", speed, speeds) };
  } catch {
    return undefined;
  }
}
