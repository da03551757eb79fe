import type { ControlSetup, Speed } from "../../src/index.js";

/**
 * A device as the bus sees it. What it is, its descriptors say; what it does, its endpoints.
 *
 * A model that throws, or answers what cannot be, is to be corrected and not to be worked around:
 * the program hears of it as `TransportError` `transport-failed`, with what was thrown as its
 * `cause`, and everything else on the bus goes on. Where it happens in a packet, the transfers in
 * flight on that endpoint end with that error, the frames before keep their results, and the
 * endpoint takes no more until its alternate setting is selected again. A model may also throw one
 * of the errors of this library, which goes on as it is.
 */
export interface VirtualDevice {
  readonly speed: Speed;
  /** The device descriptor (USB 2.0, 9.6.1), which announces one configuration. */
  readonly deviceDescriptor: Uint8Array;
  /** The configuration descriptor with everything in it, wTotalLength bytes. */
  readonly configurationDescriptor: Uint8Array;
  /**
   * The binary device object store with its capabilities (USB 3.2, 9.6.2), wTotalLength bytes. A host
   * takes no SuperSpeed device without; a device of before USB 2.1 has none.
   */
  readonly bosDescriptor?: Uint8Array | undefined;
  /** String descriptors 1, 2, … */
  readonly strings?: readonly string[] | undefined;
  /**
   * What is behind an isochronous endpoint. Asked each time an alternate setting that has it is
   * selected, before {@link VirtualDevice.alternateSelected}.
   */
  endpoint(address: number): VirtualInEndpoint | VirtualOutEndpoint | undefined;
  /**
   * Answers a class or vendor request. IN: what to send back, cut to the length that was asked.
   * OUT: an empty array. `undefined` is a STALL; so is a model without this method.
   */
  control?(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined;
  /** An alternate setting was selected; `time` is that of the bus, in microseconds. */
  alternateSelected?(interfaceNumber: number, alternate: number, time: number): void;
}

/** An IN endpoint: makes a packet each time the host asks. */
export interface VirtualInEndpoint {
  readonly direction: "in";
  /**
   * Writes the packet of `frame` into `buffer` at `offset`, `capacity` bytes at most.
   *
   * @param frame service intervals since the bus began
   * @returns the length of the packet; more than `capacity` is babble, and reads as `data-overrun`.
   * Anything but a whole number from 0 is a failure of the model.
   */
  produce(frame: number, buffer: Uint8Array, offset: number, capacity: number): number;
}

/** An OUT endpoint: takes a packet each time the host sends one. */
export interface VirtualOutEndpoint {
  readonly direction: "out";
  /**
   * Takes the packet of `frame`: `length` bytes of `buffer` from `offset`, which are the host's
   * again afterwards.
   *
   * @param frame service intervals since the bus began
   */
  consume(frame: number, buffer: Uint8Array, offset: number, length: number): void;
}
