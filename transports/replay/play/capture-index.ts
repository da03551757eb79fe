import { Observable, Subscription, type SchedulerLike } from "rxjs";
import { asIsochError, TransportError } from "../../../src/errors.js";
import { ControlRoom } from "./control-log.js";
import { DeviceBuilder, type KnownDescriptors, type RecordedDevice } from "./device-builder.js";
import { EventReader } from "./event-reader.js";
import { openChunks, type CaptureSource, type Chunks } from "./source.js";
import { Turn } from "./turn.js";

/** What a capture has, and what it lacks. */
export interface CaptureSummary {
  /** Events of usbmon. */
  readonly events: number;
  /** Packets that are none: of other link types, or of unknown kinds. */
  readonly skipped: number;
  /** Packets that were not kept whole (a snapshot length, `tshark -s`): the frames that this concerns read `lost`. */
  readonly truncated: number;
  /** Control transfers beyond what is kept, 16 MiB and 65,536 of them: a request is answered as the last that is. */
  readonly forgotten: number;
  /** Bytes at the end that are no whole packet: whoever captured was cut short. */
  readonly rest: number;
  /** Seconds from the first event to the last. */
  readonly duration: number;
  /** Isochronous endpoints, as `DeviceInfo.id` and bEndpointAddress, with what they moved. */
  readonly endpoints: readonly {
    readonly id: string;
    readonly endpoint: number;
    readonly transfers: number;
    readonly packets: number;
    /** Whether `start_frame` tells where a transfer began; else it is estimated from the times. */
    readonly isExact: boolean;
  }[];
}

/** What is known of a capture that was read through. */
export interface CaptureIndex {
  readonly devices: readonly RecordedDevice[];
  readonly summary: CaptureSummary;
}

/**
 * Reads a capture through, at each subscription, and keeps what it tells of the devices.
 *
 * @param scheduler brings the next turn, where there is too much for one
 */
export function indexCapture(
  source: CaptureSource,
  known: KnownDescriptors,
  scheduler: SchedulerLike,
): Observable<CaptureIndex> {
  return new Observable((subscriber) => {
    const builder = new IndexBuilder();
    let chunks: Chunks | undefined;
    let turn = new Turn();
    let rest = Subscription.EMPTY;
    const fail = (error: unknown) => {
      subscriber.error(asIsochError(error));
    };
    const take = (chunk: Uint8Array | undefined) => {
      if (chunk !== undefined) {
        builder.push(chunk);
        turn.took(chunk.length);
        return;
      }
      subscriber.next(builder.build(known));
      subscriber.complete();
    };
    const readOn = () => {
      try {
        while (!subscriber.closed) {
          if (turn.isOver) {
            turn = new Turn();
            rest = scheduler.schedule(readOn);
            return;
          }
          const chunk = (chunks ??= openChunks(source)).next();
          if (chunk instanceof Promise) {
            chunk
              .then((each) => {
                if (subscriber.closed) return;
                take(each);
                readOn();
              })
              .catch(fail);
            return;
          }
          take(chunk);
        }
      } catch (error) {
        fail(error);
      }
    };
    subscriber.add(() => {
      rest.unsubscribe();
      chunks?.close();
    });
    readOn();
  });
}

/** Addresses on a bus are below 128; buses are few. What says more is damaged. */
const maxDevices = 2 ** 12;

class IndexBuilder {
  readonly #reader = new EventReader();
  readonly #devices = new Map<number, DeviceBuilder>();
  readonly #room = new ControlRoom();
  #first: number | undefined;
  #last = 0;

  push(chunk: Uint8Array): void {
    for (const captured of this.#reader.push(chunk)) {
      const { bus, device, time } = captured.event;
      this.#first ??= time;
      this.#last = time;
      const key = bus * 256 + device;
      let builder = this.#devices.get(key);
      if (builder === undefined) {
        if (this.#devices.size === maxDevices) continue;
        builder = new DeviceBuilder(bus, device, this.#room);
        this.#devices.set(key, builder);
      }
      builder.push(captured);
    }
  }

  build(known: KnownDescriptors): CaptureIndex {
    const { events, skipped, truncated, rest, linkTypes } = this.#reader;
    if (events === 0) throw nothingOfUsb(linkTypes, rest);
    const devices = [...this.#devices.values()].flatMap((each) => each.build(known) ?? []);
    const endpoints = devices.flatMap(({ info: { id }, endpoints: all }) =>
      Array.from(all.values(), ({ address, transfers, packets, starts }) => ({
        id,
        endpoint: address,
        transfers,
        packets,
        isExact: starts.modulus !== undefined,
      })),
    );
    const duration = (this.#last - (this.#first ?? 0)) / 1e6;
    const { forgotten } = this.#room;
    return { devices, summary: { events, skipped, truncated, forgotten, rest, duration, endpoints } };
  }
}

function nothingOfUsb(linkTypes: readonly number[], rest: number): TransportError {
  const found =
    linkTypes.length > 0
      ? `its packets have the link type ${linkTypes.join(" and ")}, and 189 and 220 are those of usbmon`
      : rest > 0
        ? `it ends within its first ${rest} bytes`
        : "it has no packets";
  return new TransportError(
    "protocol-error",
    `there is nothing of USB in the capture: ${found}; capture usbmon of Linux, or with recorded()`,
  );
}
