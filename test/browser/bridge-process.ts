import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { VirtualBusAudit } from "../../transports/virtual/index.js";

/** What a bridge has in use. */
export interface BridgeAudit extends VirtualBusAudit {
  /** That are open. */
  readonly sockets: number;
  /** Sockets that there ever were. */
  readonly connected: number;
}

/** The bridge, in a process of its own. */
export class BridgeProcess {
  readonly #child;
  readonly #lines;

  constructor(script: string, origin: string) {
    this.#child = spawn(process.execPath, [script, origin], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Where it listens; the first that it says. */
  async url(): Promise<string> {
    return this.#line();
  }

  /** Has it do something to its device, and returns what its bus then has in use. */
  async command(command: "unplug" | "plug" | "audit"): Promise<BridgeAudit> {
    this.#child.stdin.write(`${command}\n`);
    return JSON.parse(await this.#line()) as BridgeAudit;
  }

  end(): void {
    this.#child.kill();
  }

  async #line(): Promise<string> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("the bridge has ended");
    return line.value;
  }
}
