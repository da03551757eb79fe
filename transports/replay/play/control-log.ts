import { descriptorTypes, requests, setupKey } from "../format/setup.js";
import type { UsbEvent } from "../format/usbmon.js";

/** What a device answered. */
export interface RecordedAnswer {
  /** Negative errno; 0 where the request was fine. */
  readonly status: number;
  readonly data: Uint8Array;
}

/** What is kept of the control transfers of a capture, at most. */
const limits = { bytes: 2 ** 24, answers: 2 ** 16, pending: 2 ** 10 } as const;

/** The room that all devices of a capture have together for their control transfers. */
export class ControlRoom {
  #bytes = 0;
  #count = 0;
  /** Control transfers for which there was none. */
  forgotten = 0;

  /** Whether there is room for another answer. */
  take(bytes: number): boolean {
    const isThere = this.#count < limits.answers && this.#bytes + bytes <= limits.bytes;
    if (isThere) {
      this.#count++;
      this.#bytes += bytes;
    } else this.forgotten++;
    return isThere;
  }
}

const getDescriptor = Uint8Array.of(0x80, requests.getDescriptor);

/** The control transfers of a device. */
export class ControlLog {
  readonly #pending = new Map<bigint, string>();
  readonly #answers = new Map<string, RecordedAnswer[]>();
  readonly #room: ControlRoom;

  constructor(room: ControlRoom) {
    this.#room = room;
  }

  push({ type, id, setup, status, data }: UsbEvent): void {
    if (type === "submission") {
      if (setup === undefined) return;
      if (this.#pending.size < limits.pending) this.#pending.set(id, setupKey(setup));
      else this.#room.forgotten++;
      return;
    }
    const key = this.#pending.get(id);
    this.#pending.delete(id);
    if (key === undefined || !this.#room.take(data.length)) return;
    const answers = this.#answers.get(key);
    const answer = { status, data: data.slice() };
    if (answers === undefined) this.#answers.set(key, [answer]);
    else answers.push(answer);
  }

  /** What was answered to a setup packet, in order; the last once more where there are no more. */
  answer(setup: Uint8Array, index: number): RecordedAnswer | undefined {
    const answers = this.#answers.get(setupKey(setup));
    return answers?.[index] ?? answers?.at(-1);
  }

  /** The longest that was said of a descriptor, in whatever language. */
  descriptor(type: number, index: number): Uint8Array | undefined {
    const prefix = `${[...getDescriptor, index, type].join()},`;
    let longest: Uint8Array | undefined;
    for (const [key, answers] of this.#answers) {
      if (!key.startsWith(prefix)) continue;
      for (const { status, data } of answers) {
        if (status === 0 && data.length > (longest?.length ?? 0)) longest = data;
      }
    }
    return longest;
  }

  /** The text of a string descriptor (USB 2.0, 9.6.7). */
  text(index: number): string | undefined {
    const bytes = index === 0 ? undefined : this.descriptor(descriptorTypes.string, index);
    if (bytes === undefined) return undefined;
    const length = Math.min(bytes[0] ?? 0, bytes.length);
    let text = "";
    for (let i = 2; i + 1 < length; i += 2) text += String.fromCharCode((bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8));
    return text;
  }

  /** bConfigurationValue of the configuration that was selected last, as far as that was seen. */
  get configurationValue(): number | undefined {
    const told = this.answer(Uint8Array.of(0x80, requests.getConfiguration, 0, 0, 0, 0), Infinity);
    if (told?.status === 0 && told.data[0] !== undefined) return told.data[0];
    for (const key of this.#answers.keys()) {
      const [type, request, value] = key.split(",").map(Number);
      if (type === 0 && request === requests.setConfiguration) return value;
    }
    return undefined;
  }
}
