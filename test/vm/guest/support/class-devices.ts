import { existsSync, readdirSync } from "node:fs";
import type { VirtualFault } from "../../../../transports/virtual/index.js";
import type { ClassDevices, PluggedDevice } from "../../device-requests.js";
import { DeviceClient } from "./device-client.js";
import { load, unload } from "./kernel.js";
import { until, type SysfsDevice } from "./sysfs.js";
import { loadVhci, VhciAttachment } from "./vhci.js";

type Kind = keyof ClassDevices;

/** The speed at which a device comes: one of the audio class at that of its release. */
function speedOf(kind: Kind, options: ClassDevices[Kind]["options"]): "full" | "high" {
  if (kind === "camera") return "high";
  return "uacVersion" in options && options.uacVersion === 2 ? "high" : "full";
}

/** A camera, a microphone or a speaker that runs on the host, and that a driver of this kernel has. */
export class ClassDevice<K extends Kind> {
  readonly #client: DeviceClient;
  readonly #plugged: PluggedDevice;
  readonly #attachment: VhciAttachment;
  readonly #driver: string;

  private constructor(client: DeviceClient, plugged: PluggedDevice, attachment: VhciAttachment, driver: string) {
    this.#client = client;
    this.#plugged = plugged;
    this.#attachment = attachment;
    this.#driver = driver;
  }

  /** Loads the driver, plugs the device in on a bus of its own, and waits until the driver has its interface 0. */
  static async attach<K extends Kind>(
    kind: K,
    options: ClassDevices[K]["options"],
    driver: string,
  ): Promise<ClassDevice<K>> {
    loadVhci();
    load(driver);
    const client = await DeviceClient.connect();
    try {
      const plugged = await client.request("plugClass", { kind, options });
      const attachment = await VhciAttachment.attach(plugged, speedOf(kind, options));
      await until(`${driver} has the ${kind}`, () => attachment.device.interfaceDriver(0) === driver);
      return new ClassDevice(client, plugged, attachment, driver);
    } catch (error) {
      client.close();
      unload(driver);
      throw error;
    }
  }

  /** What the kernel has of it. */
  get sysfs(): SysfsDevice {
    return this.#attachment.device;
  }

  /** The first thing of a kind that the driver made of an interface: `video0` of `video4linux`, `card1` of `sound`. */
  async child(kind: string, interfaceNumber = 0): Promise<string> {
    const directory = `${this.sysfs.path}:1.${interfaceNumber}/${kind}`;
    let first: string | undefined;
    await until(`there is something in ${directory}`, () => {
      first = existsSync(directory) ? readdirSync(directory).toSorted().at(0) : undefined;
      return first !== undefined;
    });
    return first ?? "";
  }

  /** What it counted in its latest stream. */
  async counts(): Promise<ClassDevices[K]["counts"]> {
    return await this.#client.request("counts", { id: this.#plugged.id });
  }

  /** What arrived at a speaker. */
  async recorded(): Promise<Buffer> {
    return Buffer.from(await this.#client.request("recorded", { id: this.#plugged.id }), "base64");
  }

  /** Plans faults; their frames count from now. */
  async inject(...faults: readonly VirtualFault[]): Promise<void> {
    await this.#client.request("inject", { id: this.#plugged.id, faults });
  }

  /** Why the server cut the kernel off, or failed it. */
  async failures(): Promise<readonly string[]> {
    return (await this.#client.request("audit", null)).failures;
  }

  /** Pulls it out, waits until the kernel has let go of it, and unloads the driver, which would take other devices. */
  async close(): Promise<void> {
    this.#client.close();
    await this.#attachment.gone();
    unload(this.#driver);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
