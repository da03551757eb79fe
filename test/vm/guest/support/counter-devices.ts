import type { CounterDeviceOptions, CounterStatistics, VirtualFault } from "../../../../transports/virtual/index.js";
import type { PluggedDevice, ServedAudit } from "../../device-requests.js";
import { DeviceClient } from "./device-client.js";
import type { SysfsDevice } from "./sysfs.js";
import { loadVhci, VhciAttachment } from "./vhci.js";

/** A virtual bus on the host, for devices that this kernel attaches through vhci_hcd. */
export class CounterBus {
  readonly #client: DeviceClient;
  readonly #counters: AttachedCounter[] = [];

  private constructor(client: DeviceClient) {
    this.#client = client;
  }

  static async open(): Promise<CounterBus> {
    loadVhci();
    return new CounterBus(await DeviceClient.connect());
  }

  /** Plugs a counter device in, and waits until the kernel has configured it. */
  async attach(options: CounterDeviceOptions = {}): Promise<AttachedCounter> {
    const plugged = await this.plug(options);
    const counter = new AttachedCounter(this.#client, plugged, options);
    this.#counters.push(counter);
    await counter.attach();
    return counter;
  }

  /** Plugs a counter device in, and leaves it to others to import it. */
  plug(options: CounterDeviceOptions = {}): Promise<PluggedDevice> {
    return this.#client.request("plug", options);
  }

  /** What is in use on the bus now. */
  audit(): Promise<ServedAudit> {
    return this.#client.request("audit", null);
  }

  /** Gives up the bus, and waits until the kernel has let go of its devices. */
  async close(): Promise<void> {
    this.#client.close();
    await Promise.all(this.#counters.map((counter) => counter.gone()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A counter device that runs on the host, and that this kernel has. */
export class AttachedCounter {
  readonly serialNumber: string;
  readonly #client: DeviceClient;
  readonly #plugged: PluggedDevice;
  readonly #speed: NonNullable<CounterDeviceOptions["speed"]>;
  #attachment: VhciAttachment | undefined;

  constructor(client: DeviceClient, plugged: PluggedDevice, { speed = "high", serialNumber }: CounterDeviceOptions) {
    this.#client = client;
    this.#plugged = plugged;
    this.#speed = speed;
    this.serialNumber = serialNumber ?? "0001";
  }

  /** Where it is exported, to whom the kernel leaves it. */
  get address(): PluggedDevice {
    return this.#plugged;
  }

  /** What the kernel has of it while it is attached. */
  get sysfs(): SysfsDevice {
    if (this.#attachment === undefined) throw new Error(`${this.serialNumber} is not attached`);
    return this.#attachment.device;
  }

  /** Attaches it anew after {@link AttachedCounter.detach}. */
  async attach(): Promise<void> {
    this.#attachment = await VhciAttachment.attach(this.#plugged, this.#speed);
  }

  /** Has the kernel give it up; waits until it has, and until the device is nobody's. It stays on its bus. */
  async detach(): Promise<void> {
    const attachment = this.#attachment;
    this.#attachment = undefined;
    await attachment?.detach();
    await this.#client.request("released", { id: this.#plugged.id });
  }

  /** Pulls it out of its bus, and waits until the kernel has noticed. The request is sent at once. */
  async unplug(): Promise<void> {
    await this.#client.request("unplug", { id: this.#plugged.id });
    await this.gone();
  }

  /** Waits until the kernel has let go of it by itself. */
  async gone(): Promise<void> {
    await this.#attachment?.gone();
    this.#attachment = undefined;
  }

  /** Plans faults of the device, whose frames count from now. */
  async inject(...faults: readonly VirtualFault[]): Promise<void> {
    await this.#client.request("inject", { id: this.#plugged.id, faults });
  }

  /** What arrived at its OUT endpoint. */
  statistics(): Promise<CounterStatistics> {
    return this.#client.request("statistics", { id: this.#plugged.id });
  }
}
