import { defer, finalize, map, Subject, takeUntil, type Observable, type Subscription } from "rxjs";
import { OverflowError } from "../../index.js";
import { recorded, type RecordedTransport } from "../../../transports/replay/index.js";
import { countsOf, noCounts } from "../stream-account.js";
import type { CaptureFormat, CaptureStep } from "./format.js";
import { capturedResults } from "./results.js";
import { withTail } from "./with-tail.js";

/** Bytes that wait, at most, while the file takes no more: ten seconds of the fastest endpoint of high speed. */
const mostWaiting = 2 ** 28;

/**
 * All that goes over the bus, with every status and loss: what Wireshark opens, and `replay` plays.
 *
 * @param limit bytes that wait while the file takes no more, at most
 */
export const pcapngWithin = (limit = mostWaiting): CaptureFormat => ({
  name: "pcapng",
  description: "all that goes over the bus, for Wireshark and for replay",
  extensions: ["pcapng"],
  needsFile: false,
  badFrames: ["skip", "keep"],
  virtual: "counter",
  capture: (target, context) =>
    defer(() => {
      const transport = recorded(target.transport);
      const record = new Record(transport, limit);
      let hasBegun = false;
      const results = capturedResults({ ...target, transport }, context).pipe(
        map((each): CaptureStep => {
          hasBegun = true;
          return { pieces: record.take(), counts: countsOf(each) };
        }),
      );
      const steps = results.pipe(takeUntil(record.tooLong));
      // What was said while the device was opened, and then nothing, is no capture.
      return withTail(steps, () => ({ pieces: hasBegun ? record.take() : [], counts: noCounts })).pipe(
        finalize(() => {
          record.end();
        }),
      );
    }),
});

export const pcapng = pcapngWithin();

/** The capture that a transport makes, until somebody takes it. */
class Record {
  readonly #tooLong = new Subject<never>();
  readonly #recording: Subscription;
  #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(transport: RecordedTransport, limit: number) {
    this.#recording = transport.capture.subscribe({
      next: (chunk) => {
        this.#chunks.push(chunk);
        this.#length += chunk.length;
        if (this.#length > limit) this.#tooLong.error(overflow(limit));
      },
      // A bug, told as one.
      error: (error: unknown) => {
        throw error;
      },
    });
  }

  /** Errors once more waits than may: the bus goes on, and a pipe that is paused does not hold it up. */
  get tooLong(): Observable<never> {
    return this.#tooLong.asObservable();
  }

  take(): readonly Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#length = 0;
    return chunks;
  }

  end(): void {
    this.#recording.unsubscribe();
  }
}

function overflow(limit: number): OverflowError {
  return new OverflowError(
    "overflow",
    `the file is slower than the bus, and ${Math.round(limit / 2 ** 20)} MiB wait for it: choose a faster disk, or --alternate with fewer bytes`,
  );
}
