import { CaptureReader } from "../format/capture-reader.js";
import { linkTypes } from "../format/pcapng.js";
import { decodeEvent, type UsbEvent } from "../format/usbmon.js";

/** An event of a capture. Its bytes are views that hold until more is pushed. */
export interface CapturedEvent {
  readonly event: UsbEvent;
  readonly comment: string | undefined;
}

/** The events of usbmon in a capture, chunk by chunk. */
export class EventReader {
  readonly #reader = new CaptureReader();
  readonly #linkTypes = new Set<number>();
  #events = 0;
  #skipped = 0;
  #truncated = 0;

  get events(): number {
    return this.#events;
  }

  /** Packets of other link types, and events of unknown kinds. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Packets that the capture did not keep whole. */
  get truncated(): number {
    return this.#truncated;
  }

  /** Those of all packets. */
  get linkTypes(): readonly number[] {
    return [...this.#linkTypes];
  }

  /** Bytes at the end that are no whole packet. */
  get rest(): number {
    return this.#reader.pending;
  }

  /** @throws `TransportError` `protocol-error` */
  *push(chunk: Uint8Array): Generator<CapturedEvent, void, undefined> {
    for (const { linkType, littleEndian, data, position, time, comment, originalLength } of this.#reader.push(chunk)) {
      this.#linkTypes.add(linkType);
      const headerSize = linkType === linkTypes.usbLinuxMmapped ? 64 : linkType === linkTypes.usbLinux ? 48 : undefined;
      const event = headerSize === undefined ? undefined : decodeEvent(data, { headerSize, littleEndian }, position);
      if (event === undefined) {
        if (headerSize !== undefined && data.length < Math.min(headerSize, originalLength)) this.#truncated++;
        else this.#skipped++;
        continue;
      }
      this.#events++;
      if (event.cutOff > 0) this.#truncated++;
      yield { event: time === undefined ? event : { ...event, time }, comment };
    }
  }
}
