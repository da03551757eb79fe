import {
  maxBytesPerInterval,
  statusCodes,
  statusOf,
  type EndpointDescriptor,
  type Speed,
  type Submission,
  type TransportEndpoint,
} from "../../../src/index.js";
import { PendingSubmission } from "../../../src/submission.js";
import type { WebUsbInResult, WebUsbIsochInResult, WebUsbIsochOutResult, WebUsbStatus } from "../usb.js";
import { exception, failed } from "./exceptions.js";

/** An isochronous endpoint of a claimed interface in its selected alternate setting. */
export class IsochronousCalls {
  readonly #port: TransportEndpoint;
  readonly #most: number;
  readonly #inFlight = new Map<Submission, (reason: unknown) => void>();
  readonly #idle: (() => void)[] = [];

  constructor(port: TransportEndpoint, descriptor: EndpointDescriptor, speed: Speed) {
    this.#port = port;
    this.#most = maxBytesPerInterval(descriptor, speed);
  }

  async receive(packetLengths: Uint32Array): Promise<WebUsbIsochInResult> {
    const buffer = new ArrayBuffer(sum(packetLengths));
    const { actual, statuses } = await this.#run(packetLengths, new Uint8Array(buffer));
    let offset = 0;
    const packets = Array.from(packetLengths, (length, i): WebUsbInResult => {
      const data = new DataView(buffer, offset, actual[i]);
      offset += length;
      return { data, status: statusIn(statuses, i) };
    });
    return { data: new DataView(buffer), packets };
  }

  async send(data: Uint8Array, packetLengths: Uint32Array): Promise<WebUsbIsochOutResult> {
    const { actual, statuses } = await this.#run(packetLengths, data);
    return { packets: Array.from(actual, (bytesWritten, i) => ({ bytesWritten, status: statusIn(statuses, i) })) };
  }

  /** Rejects what is in flight, and resolves when nothing of it is. */
  abort(reason: DOMException): Promise<void> {
    for (const [submission, reject] of this.#inFlight) {
      reject(reason);
      this.#port.cancel(submission);
    }
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #run(packetLengths: Uint32Array, buffer: Uint8Array): Promise<Submission> {
    return new Promise((resolve, reject) => {
      if (packetLengths.some((length) => length > this.#most)) {
        throw exception("NetworkError", `a packet of this endpoint has ${this.#most} bytes at most`);
      }
      const completed = (submission: Submission) => {
        this.#inFlight.delete(submission);
        const reason = reasonOf(submission);
        if (reason === undefined) resolve(submission);
        else reject(reason);
        if (this.#inFlight.size === 0) for (const each of this.#idle.splice(0)) each();
      };
      const submission = new PendingSubmission({ lengths: packetLengths, buffer, start: "asap", completed });
      try {
        this.#port.submit(submission);
      } catch (error) {
        throw failed("the transfer was refused", error);
      }
      this.#inFlight.set(submission, reject);
    });
  }
}

/** One packet that failed in another way than WebUSB has words for is the failure of them all. */
function reasonOf({ error, rejected, cancelled, statuses }: Submission): DOMException | undefined {
  const refusal = error ?? rejected;
  if (refusal !== undefined) return failed("the transfer failed", refusal);
  if (cancelled) return exception("AbortError", "the transfer was cancelled");
  const fatal = statuses.find((code) => !Object.hasOwn(words, statusOf(code)));
  if (fatal === undefined) return undefined;
  return exception("NetworkError", `a packet of the transfer failed: ${statusOf(fatal)}`);
}

const words: Readonly<Partial<Record<string, WebUsbStatus>>> = { ok: "ok", stall: "stall", "data-overrun": "babble" };

function statusIn(statuses: Uint8Array, i: number): WebUsbStatus {
  return words[statusOf(statuses[i] ?? statusCodes.ok)] ?? "ok";
}

function sum(numbers: Uint32Array): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
