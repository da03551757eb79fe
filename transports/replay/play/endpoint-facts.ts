import type { UsbEvent } from "../format/usbmon.js";
import { framesOnBus } from "./recorded-transfers.js";
import { StartFrameCheck } from "./start-frames.js";

/** What the capture has of an isochronous endpoint. */
export class EndpointFacts {
  /** bEndpointAddress. */
  readonly address: number;
  readonly starts = new StartFrameCheck();
  transfers = 0;
  /** Packets that were on the bus. */
  packets = 0;
  /** Bytes of the largest packet that was asked for, or moved. */
  largest = 0;
  /** Frames (full speed) or microframes from one packet to the next. */
  interval = 1;
  #first: { readonly time: number; readonly packets: number } | undefined;
  #lastTime = 0;

  constructor(address: number) {
    this.address = address;
  }

  push(event: UsbEvent): void {
    if (event.interval > 0) this.interval = event.interval;
    for (const length of event.packets.lengths) this.largest = Math.max(this.largest, length);
    if (event.type !== "completion" || event.lost > 0) return;
    const count = framesOnBus(event);
    if (count === 0) return;
    this.transfers++;
    this.packets += count;
    this.starts.push(event.startFrame, count * this.interval);
    this.#first ??= { time: event.time, packets: count };
    this.#lastTime = event.time;
  }

  /** Microseconds from one packet to the next, about; `undefined` where nothing tells. */
  get period(): number | undefined {
    const { time = 0, packets = 0 } = this.#first ?? {};
    const passed = this.packets - packets;
    return passed > 0 && this.#lastTime > time ? (this.#lastTime - time) / passed : undefined;
  }
}
