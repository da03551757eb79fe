import { descriptorTypes, requests, setupKey } from "../format/setup.js";
import type { UsbEvent } from "../format/usbmon.js";

/** What a device answered. */
export interface RecordedAnswer {
  /** Negative errno; 0 where the request was fine. */
  readonly status: number;
  readonly data: Uint8Array;
}

/** What is kept of control transfers, at most. */
const limits = { bytes: 2 ** 24, answers: 2 ** 16, pending: 2 ** 10 } as const;
const getDescriptor = Uint8Array.of(0x80, requests.getDescriptor);

/** The control transfers of a device. */
export class ControlLog {
  readonly #pending = new Map<bigint, string>();
  readonly #answers = new Map<string, RecordedAnswer[]>();
  #bytes = 0;
  #count = 0;

  push({ type, id, setup, status, data }: UsbEvent): void {
    if (type === "submission") {
      if (setup !== undefined && this.#pending.size < limits.pending) this.#pending.set(id, setupKey(setup));
      return;
    }
    const key = this.#pending.get(id);
    this.#pending.delete(id);
    if (key === undefined || this.#count === limits.answers || this.#bytes + data.length > limits.bytes) return;
    this.#count++;
    this.#bytes += data.length;
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
