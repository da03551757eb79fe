import { hubClass } from "../../../src/descriptors/device.js";
import {
  DescriptorError,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  type ConfigurationDescriptor,
  type DeviceInfo,
  type Speed,
} from "../../../src/index.js";
import { readRemark } from "../format/remark.js";
import { descriptorTypes } from "../format/setup.js";
import { transferTypes } from "../format/usbmon.js";
import { ControlLog, type ControlRoom } from "./control-log.js";
import { EndpointFacts } from "./endpoint-facts.js";
import type { CapturedEvent } from "./event-reader.js";
import { synthesizeConfiguration, synthesizeDevice } from "./synthesize.js";

/** What a program knows of the devices in a capture, for what the capture does not tell. */
export interface KnownDescriptors {
  readonly speed?: Speed | undefined;
  readonly deviceDescriptor?: Uint8Array | undefined;
  readonly configurationDescriptor?: Uint8Array | undefined;
}

/** A device of a capture. */
export interface RecordedDevice {
  readonly bus: number;
  readonly device: number;
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly controls: ControlLog;
  readonly endpoints: ReadonlyMap<number, EndpointFacts>;
}

/** Gathers what the capture tells of a device. */
export class DeviceBuilder {
  readonly #bus: number;
  readonly #device: number;
  readonly #controls: ControlLog;
  readonly #endpoints = new Map<number, EndpointFacts>();
  #speed: Speed | undefined;

  constructor(bus: number, device: number, room: ControlRoom) {
    this.#bus = bus;
    this.#device = device;
    this.#controls = new ControlLog(room);
  }

  push({ event, comment }: CapturedEvent): void {
    if (comment !== undefined) this.#speed ??= readRemark(comment)?.speed;
    if (event.transferType === transferTypes.control) this.#controls.push(event);
    if (event.transferType !== transferTypes.isochronous) return;
    let facts = this.#endpoints.get(event.endpoint);
    if (facts === undefined) {
      if ((event.endpoint & 0x0f) === 0 || (event.endpoint & 0x70) !== 0) return;
      facts = new EndpointFacts(event.endpoint);
      this.#endpoints.set(event.endpoint, facts);
    }
    facts.push(event);
  }

  /**
   * The device; `undefined` for a hub, and for one that told nothing of itself and moved no frames.
   *
   * @throws `DescriptorError` where a descriptor that the program has given is wrong
   */
  build(known: KnownDescriptors): RecordedDevice | undefined {
    const recorded = this.#controls.descriptor(descriptorTypes.device, 0);
    const bytes = recorded !== undefined && isWhole(recorded) ? recorded : known.deviceDescriptor;
    if (bytes === undefined && this.#endpoints.size === 0) return undefined;
    const speed = known.speed ?? this.#speed ?? this.#guessSpeed(bytes);
    const descriptor = parseDeviceDescriptor(bytes ?? synthesizeDevice(speed));
    if (descriptor.deviceClass === hubClass) return undefined;
    const configurations = this.#configurations(descriptor.configurationCount, known, speed);
    const value = this.#controls.configurationValue;
    const configuration = configurations.find((each) => each.value === value) ?? configurations[0];
    if (configuration === undefined) return undefined;
    const info = {
      id: `${this.#bus}.${this.#device}`,
      speed,
      descriptor,
      configurations,
      manufacturer: this.#controls.text(descriptor.manufacturerIndex),
      product: this.#controls.text(descriptor.productIndex),
      serialNumber: this.#controls.text(descriptor.serialNumberIndex),
    };
    const { bus, device, controls, endpoints } = this.#parts;
    return { bus, device, info, configuration, controls, endpoints };
  }

  get #parts() {
    return { bus: this.#bus, device: this.#device, controls: this.#controls, endpoints: this.#endpoints };
  }

  #configurations(count: number, known: KnownDescriptors, speed: Speed): ConfigurationDescriptor[] {
    const found = Array.from({ length: Math.min(count, 8) }, (_, index) =>
      this.#controls.descriptor(descriptorTypes.configuration, index),
    ).flatMap((bytes) => (bytes === undefined ? [] : (tryParse(bytes) ?? [])));
    if (found.length > 0) return found;
    if (known.configurationDescriptor !== undefined) {
      return [parseConfigurationDescriptor(known.configurationDescriptor)];
    }
    return [parseConfigurationDescriptor(synthesizeConfiguration(speed, [...this.#endpoints.values()]))];
  }

  /** usbmon has no field for it: as the packets came, or else as the device descriptor looks. */
  #guessSpeed(descriptor: Uint8Array | undefined): Speed {
    if (descriptor !== undefined && (descriptor[3] ?? 0) >= 3 && descriptor[7] === 9) return "super";
    const all = [...this.#endpoints.values()];
    if (all.some(({ largest }) => largest > 3072)) return "super";
    for (const { period, interval, largest } of all) {
      if (largest > 1023) return "high";
      if (period !== undefined) return period / interval > 500 ? "full" : "high";
    }
    return descriptor !== undefined && (descriptor[3] ?? 0) < 2 ? "full" : "high";
  }
}

function isWhole(descriptor: Uint8Array): boolean {
  return descriptor.length >= 18 && descriptor[1] === descriptorTypes.device && (descriptor[0] ?? 0) >= 18;
}

/** What was recorded in part only, its header, is as if it was not. */
function tryParse(bytes: Uint8Array): ConfigurationDescriptor | undefined {
  try {
    return parseConfigurationDescriptor(bytes);
  } catch (error) {
    if (DescriptorError.is(error)) return undefined;
    throw error;
  }
}
