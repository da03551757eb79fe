import type { ControlSetup } from "../../src/index.js";
import type { VirtualDevice, VirtualInEndpoint, VirtualOutEndpoint } from "../../transports/virtual/index.js";

/** A class request in words, `in 1 10.2` for CUR of control 2 of entity 10, and the bytes that are sent. */
export function requestInWords({ direction, request, value, index }: ControlSetup, data: number | Uint8Array): string {
  const bytes = typeof data === "number" ? "" : ` ${[...data].join(" ")}`;
  return `${direction} ${request} ${index >> 8}.${value >> 8}${bytes}`;
}

/** A device, and what was asked of it: class requests and alternate settings, in order. */
export class LoggedDevice implements VirtualDevice {
  readonly log: string[] = [];
  readonly speed: VirtualDevice["speed"];
  readonly deviceDescriptor: Uint8Array;
  readonly configurationDescriptor: Uint8Array;
  readonly strings: readonly string[] | undefined;
  readonly #model: VirtualDevice;

  constructor(model: VirtualDevice) {
    this.speed = model.speed;
    this.deviceDescriptor = model.deviceDescriptor;
    this.configurationDescriptor = model.configurationDescriptor;
    this.strings = model.strings;
    this.#model = model;
  }

  endpoint(address: number): VirtualInEndpoint | VirtualOutEndpoint | undefined {
    return this.#model.endpoint(address);
  }

  alternateSelected(interfaceNumber: number, alternate: number, time: number): void {
    this.log.push(`interface ${interfaceNumber}, alternate ${alternate}`);
    this.#model.alternateSelected?.(interfaceNumber, alternate, time);
  }

  control(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    this.log.push(requestInWords(setup, data));
    return this.#model.control?.(setup, data);
  }
}
