import {
  concatenate,
  encodeConfiguration,
  encodeDevice,
  encodeIsochEndpoint,
  encodeVendorInterface,
} from "../../transports/virtual/descriptors.js";
import {
  readCounter,
  writeCounter,
  type VirtualDevice,
  type VirtualInEndpoint,
  type VirtualOutEndpoint,
} from "../../transports/virtual/index.js";

export const observedIds = { vendorId: 0x1209, productId: 0x0b5e } as const;
export const observedIn = 0x81;
export const observedOut = 0x01;
export const observedMax = 64;

/** The length of the packet that an {@link ObservedDevice} sends in a frame: some are short, some empty. */
export function packetLength(frame: number): number {
  return [64, 64, 17, 64, 0, 9, 64][frame % 7] ?? 0;
}

/**
 * A full-speed device that knows what the bus really did: in which frames it was asked for a packet,
 * and what it was sent. Each packet long enough for it begins with the number of its frame.
 */
export class ObservedDevice implements VirtualDevice {
  readonly speed = "full";
  readonly deviceDescriptor = encodeDevice({ usbVersion: 0x0110, maxPacketSize0: 64, ...observedIds });
  readonly configurationDescriptor = encodeConfiguration(
    1,
    encodeVendorInterface(0, 0, 0),
    encodeVendorInterface(0, 1, 2),
    concatenate(encodeIsochEndpoint(observedIn, observedMax), encodeIsochEndpoint(observedOut, observedMax)),
  );
  /** Frames in which the host asked for a packet. */
  readonly asked: number[] = [];
  /** Packets that the host sent: the frame, and the counter in it where there is one. */
  readonly sent: { readonly frame: number; readonly length: number; readonly counter: number | undefined }[] = [];
  readonly #in: VirtualInEndpoint = {
    direction: "in",
    produce: (frame, buffer, offset, capacity) => {
      this.asked.push(frame);
      const length = Math.min(packetLength(frame), capacity);
      if (length >= 8) writeCounter(buffer, frame, offset);
      return length;
    },
  };
  readonly #out: VirtualOutEndpoint = {
    direction: "out",
    consume: (frame, buffer, offset, length) => {
      this.sent.push({ frame, length, counter: readCounter(buffer.subarray(offset, offset + length)) });
    },
  };

  endpoint(address: number): VirtualInEndpoint | VirtualOutEndpoint | undefined {
    if (address === observedIn) return this.#in;
    return address === observedOut ? this.#out : undefined;
  }
}
