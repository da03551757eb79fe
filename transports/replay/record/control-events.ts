import { IsochError, type ControlSetup } from "../../../src/index.js";
import { errno } from "../../../src/linux-errno.js";
import { encodeSetup } from "../format/setup.js";
import { noPackets, transferTypes } from "../format/usbmon.js";
import type { DeviceAddress, NewEvent } from "./recorder.js";

const noData = new Uint8Array(0);

/** A control transfer, for the events that tell of it. */
export class ControlEvents {
  readonly #address: DeviceAddress;
  readonly #id: bigint;
  readonly #setup: ControlSetup;
  readonly #data: number | Uint8Array;

  constructor(address: DeviceAddress, id: bigint, setup: ControlSetup, data: number | Uint8Array) {
    this.#address = address;
    this.#id = id;
    this.#setup = setup;
    this.#data = data;
  }

  submission(time: number): NewEvent {
    const data = typeof this.#data === "number" ? noData : this.#data;
    const length = typeof this.#data === "number" ? this.#data : data.length;
    const setup = encodeSetup(this.#setup, length);
    return { ...this.#event(time), type: "submission", setup, status: errno.EINPROGRESS, length, data };
  }

  completion(time: number, answer: Uint8Array): NewEvent {
    const isIn = this.#setup.direction === "in";
    const sent = typeof this.#data === "number" ? 0 : this.#data.length;
    const outcome = { status: 0, length: isIn ? answer.length : sent, data: isIn ? answer : noData };
    return { ...this.#event(time), type: "completion", setup: undefined, ...outcome };
  }

  failure(time: number, error: unknown): NewEvent {
    const outcome = { status: errnoOfFailure(error), length: 0, data: noData };
    return { ...this.#event(time), type: "completion", setup: undefined, ...outcome };
  }

  #event(time: number) {
    return {
      ...this.#address,
      id: this.#id,
      transferType: transferTypes.control,
      endpoint: this.#setup.direction === "in" ? 0x80 : 0,
      time,
      interval: 0,
      startFrame: 0,
      packets: noPackets,
      lost: 0,
    } as const;
  }
}

function errnoOfFailure(error: unknown): number {
  if (!IsochError.is(error)) return errno.EIO;
  if (error.code === "control-stalled") return errno.EPIPE;
  return error.code === "device-gone" ? errno.ENODEV : errno.EIO;
}
