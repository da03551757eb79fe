import type { ControlSetup } from "../../../../src/index.js";
import type { VirtualDevice } from "../../../../transports/virtual/index.js";

/** Sends the class requests of video and audio devices, which are of one form. */
export class ClassRequests {
  readonly #device: VirtualDevice;
  readonly #recipient: "interface" | "endpoint";
  readonly #index: number;

  constructor(device: VirtualDevice, recipient: "interface" | "endpoint", index: number) {
    this.#device = device;
    this.#recipient = recipient;
    this.#index = index;
  }

  /** What comes back; `undefined` where it stalls. */
  get(request: number, control: number, length = 64): number[] | undefined {
    const answer = this.#device.control?.(this.#setup("in", request, control), length);
    return answer && [...answer];
  }

  /** Whether it was taken. */
  set(request: number, control: number, ...data: readonly number[]): boolean {
    const answer = this.#device.control?.(this.#setup("out", request, control), Uint8Array.from(data));
    return answer?.length === 0;
  }

  /** @param control in the upper byte of wValue, with a channel in the lower */
  #setup(direction: "in" | "out", request: number, control: number): ControlSetup {
    return { type: "class", recipient: this.#recipient, direction, request, value: control, index: this.#index };
  }
}
