import type { IsochResults } from "../results.js";
import { statusCodes } from "../status.js";

/** What came in since a stream was started; a restart adds to it. */
export interface StreamTotals {
  /** Frames that were on the bus and delivered, whatever their status. */
  readonly frames: number;
  /** Frames that were lost. Those that pass while a device is unplugged are on no bus, and none of these. */
  readonly lost: number;
  /** Bytes that moved. */
  readonly bytes: number;
}

export const noTotals: StreamTotals = { frames: 0, lost: 0, bytes: 0 };

/** Adds results up, without an object for each. */
export class Tally {
  #frames = 0;
  #lost = 0;
  #bytes = 0;

  add({ served, statuses, lost, bytesTransferred, error }: IsochResults): void {
    // The operator gaps shows lost frames among the results.
    let shown = 0;
    if (error !== "ok") for (let i = 0; i < served; i++) if (statuses[i] === statusCodes.lost) shown++;
    this.#frames += served - shown;
    this.#lost += lost + shown;
    this.#bytes += bytesTransferred;
  }

  read(): StreamTotals {
    return { frames: this.#frames, lost: this.#lost, bytes: this.#bytes };
  }

  reset(): void {
    this.#frames = this.#lost = this.#bytes = 0;
  }
}
