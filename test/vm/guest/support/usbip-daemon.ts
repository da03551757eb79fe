import { once } from "node:events";
import { spawn, type ChildProcess } from "node:child_process";
import { load, run } from "./kernel.js";
import { until } from "./sysfs.js";

/** `usbipd` of Linux, which exports what is bound to the driver usbip-host, on 127.0.0.1 and port 3240. */
export class UsbipDaemon {
  readonly #process: ChildProcess;
  readonly #bound = new Set<string>();

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(): Promise<UsbipDaemon> {
    load("usbip-host");
    const daemon = new UsbipDaemon(spawn("usbipd", ["--ipv4"], { stdio: "ignore" }));
    try {
      await until("usbipd answers", () => listed() !== undefined);
    } catch (error) {
      await daemon.#end();
      throw error;
    }
    return daemon;
  }

  /** Takes a device from its drivers, and waits until it is exported. */
  async bind(busId: string): Promise<void> {
    run("usbip", "bind", "--busid", busId);
    this.#bound.add(busId);
    await until(`usbipd exports ${busId}`, () => listed()?.includes(busId) === true);
  }

  /** Gives a device back to its drivers, and waits until it is exported no more. */
  async unbind(busId: string): Promise<void> {
    run("usbip", "unbind", "--busid", busId);
    this.#bound.delete(busId);
    await until(`usbipd does not export ${busId}`, () => listed()?.includes(busId) === false);
  }

  /** Gives all devices back, and ends the daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const busId of this.#bound) await this.unbind(busId);
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill();
    await ended;
  }
}

/** What the program `usbip` has to say of it; `undefined` while nobody answers. */
function listed(): string | undefined {
  try {
    return run("usbip", "list", "--remote", "127.0.0.1");
  } catch {
    return undefined;
  }
}
