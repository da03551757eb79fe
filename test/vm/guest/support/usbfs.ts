import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../support/entries.js";

/** What usbfs-isoch.c prints of a stream. */
export interface StreamedBytes {
  readonly bytes: number;
  /** Packets with a status or of another length. */
  readonly bad: number;
  /** Packets within a transfer that do not follow the one before. */
  readonly misplaced: number;
  /** Frames that passed between two transfers. */
  readonly skipped: number;
  readonly seconds: number;
}

/** What it prints of a transfer that was taken back half way. */
export interface CancelledTransfer {
  readonly status: number;
  readonly moved: number;
  readonly contiguous: number;
  readonly after: number;
  readonly packets: number;
}

/** What is to be streamed. */
export interface Streaming {
  readonly alternate: number;
  readonly packets: number;
  readonly length: number;
  readonly depth: number;
  readonly count: number;
}

/** The program usbfs-isoch.c: isochronous transfers without a library. */
export class UsbfsProgram {
  readonly #path = join(mkdtempSync(join(tmpdir(), "usbfs-")), "usbfs-isoch");

  constructor() {
    execFileSync("gcc", ["-O2", "-Wall", "-o", this.#path, join(root, "test/vm/guest/support/usbfs-isoch.c")]);
  }

  async stream(node: string, direction: "in" | "out", streaming: Streaming): Promise<StreamedBytes> {
    const streamed = await this.#run<StreamedBytes>(node, direction, streaming);
    const megabytes = streamed.bytes / streamed.seconds / 1e6;
    const { length, packets, depth } = streaming;
    console.log(
      `${direction}, ${length} B × ${packets} × ${depth} in flight: ${megabytes.toFixed(2)} MB/s ` +
        `for ${streamed.seconds} s, ${streamed.skipped} frames between transfers`,
    );
    return streamed;
  }

  cancel(node: string, streaming: Streaming): Promise<CancelledTransfer> {
    return this.#run(node, "cancel", streaming);
  }

  /** @throws what the program printed of its failure */
  async #run<T>(node: string, command: string, streaming: Streaming): Promise<T> {
    const { alternate, packets, length, depth, count } = streaming;
    const numbers = [alternate, packets, length, depth, count].map(String);
    const output = await new Promise<string>((resolve) => {
      execFile(this.#path, [node, command, ...numbers], (_error, stdout) => {
        resolve(stdout);
      });
    });
    const outcome = JSON.parse(output) as T | { readonly error: string };
    if (typeof outcome === "object" && outcome !== null && "error" in outcome) throw new Error(outcome.error);
    return outcome;
  }
}
