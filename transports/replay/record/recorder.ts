import { Observable, Subject } from "rxjs";
import { joined } from "../../../src/joined.js";
import { captureHeader, enhancedPacket } from "../format/pcapng-writer.js";
import { encodeEvent, type UsbEvent } from "../format/usbmon.js";

/** Device addresses of a bus (USB 2.0, 8.3.2.1). */
const maxDevices = 127;

/** An event before it is known when it was, and of which request. */
export type NewEvent = Omit<UsbEvent, "untold" | "cutOff">;

/** Where on the bus a device stands in the capture. */
export interface DeviceAddress {
  readonly bus: number;
  readonly device: number;
}

/** What goes to the capture. Nothing is kept but what each open device has told of itself. */
export class Recorder {
  /** The capture, from the subscription on. */
  readonly capture: Observable<Uint8Array>;
  readonly #chunks = new Subject<Uint8Array>();
  readonly #addresses = new Map<string, DeviceAddress>();
  readonly #descriptions = new Set<Uint8Array>();
  #lastId = 0n;
  #clock: { readonly now: () => number; readonly origin: number } | undefined;

  constructor() {
    this.capture = new Observable((subscriber) => {
      subscriber.next(joined([captureHeader(), ...this.#descriptions]));
      subscriber.add(this.#chunks.subscribe(subscriber));
    });
  }

  /** The next id of a request. */
  nextId(): bigint {
    return ++this.#lastId;
  }

  /** Microseconds since 1970: of the clock that stamps the results, once there is one. */
  now(): number {
    return this.#clock === undefined ? Date.now() * 1000 : this.toWall(this.#clock.now());
  }

  /** The clock of an endpoint; those of one transport are the same. */
  useClock(now: () => number): void {
    this.#clock ??= { now, origin: Date.now() * 1000 - now() };
  }

  /** Microseconds since 1970 of a time of the endpoints' clock. */
  toWall(time: number): number {
    return time + (this.#clock?.origin ?? 0);
  }

  /** The same for the same id; a number that is free otherwise. */
  addressOf(id: string): DeviceAddress {
    const known = this.#addresses.get(id);
    if (known !== undefined) return known;
    const count = this.#addresses.size;
    const address = { bus: 1 + (Math.floor(count / maxDevices) % 0xffff), device: 1 + (count % maxDevices) };
    this.#addresses.set(id, address);
    return address;
  }

  /** Every capture has the description, also those that begin later; until it is forgotten. */
  describe(description: Uint8Array): () => void {
    this.#descriptions.add(description);
    this.#chunks.next(description);
    return () => this.#descriptions.delete(description);
  }

  /** @param event asked for only where somebody listens */
  write(event: () => NewEvent): void {
    if (this.#chunks.observed) this.#chunks.next(packetOf(event()));
  }
}

export function packetOf(event: NewEvent, comment?: string): Uint8Array {
  return enhancedPacket(event.time, encodeEvent(event), comment);
}
