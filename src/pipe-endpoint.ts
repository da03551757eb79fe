import type { Direction, EndpointDescriptor } from "./descriptors/model.js";
import type { Speed } from "./endpoint.js";

/** An isochronous endpoint as a pipe uses it: in its alternate setting, at the speed of its device. */
export interface PipeEndpoint {
  /** bEndpointAddress. */
  readonly address: number;
  readonly direction: Direction;
  readonly speed: Speed;
  readonly interfaceNumber: number;
  /** bAlternateSetting. */
  readonly alternate: number;
  /** Bytes that fit in a frame, multipliers and bursts included. */
  readonly maxFrameLength: number;
  /** Microseconds from one frame to the next: the service interval. */
  readonly frameDuration: number;
  readonly descriptor: EndpointDescriptor;
}
