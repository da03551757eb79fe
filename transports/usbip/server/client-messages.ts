import type { IsochError } from "../../../src/index.js";
import {
  ByteQueue,
  MessageDecoder,
  operationRequest,
  urbCommandMessage,
  type OperationRequest,
  type UrbCommand,
  type UsbipLimits,
} from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";
import { Watchdog } from "../watchdog.js";

/** What the watchdog waits for: one thing at a time. */
const whole = 0;

/** What a client sends: one request, then commands. Each has to come in time. */
export class ClientMessages {
  readonly #patience: number;
  readonly #queue = new ByteQueue();
  readonly #requests: MessageDecoder<OperationRequest>;
  readonly #commands: MessageDecoder<UrbCommand>;
  readonly #watchdog: Watchdog;
  #hasAsked = false;

  /**
   * @param patience milliseconds for the request, and for the rest of a message that has begun
   * @param late hears that one did not come in time; then none is waited for any more
   */
  constructor(limits: UsbipLimits, patience: number, late: (error: IsochError) => void) {
    this.#patience = patience;
    this.#requests = new MessageDecoder(this.#queue, operationRequest);
    this.#commands = new MessageDecoder(this.#queue, () => urbCommandMessage(limits));
    this.#watchdog = new Watchdog(() => {
      const what = this.#hasAsked ? "did not finish a message that it began" : "asked for nothing";
      late(protocolError(`${what} in ${patience} ms`));
    });
    this.#watchdog.expect(whole, patience);
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /**
   * The request that a connection begins with, if all of it is there.
   *
   * @throws {@link TransportError} `protocol-error`
   */
  request(): OperationRequest | undefined {
    const request = this.#requests.read();
    if (request === undefined) return undefined;
    this.#hasAsked = true;
    this.#watchdog.settle(whole);
    return request;
  }

  /**
   * The next command, if all of it is there.
   *
   * @throws {@link TransportError} `protocol-error`
   */
  command(): UrbCommand | undefined {
    const command = this.#commands.read();
    if (command !== undefined) this.#watchdog.settle(whole);
    return command;
  }

  /**
   * Who is in the middle of a command has to go on, if it is read; between two, a client may be silent for as long as it
   * likes.
   */
  watch(isReading: boolean): void {
    if (isReading && this.#commands.isWithin) this.#watchdog.expectFromNow(whole, this.#patience);
    else this.#watchdog.settle(whole);
  }

  /**
   * There is no more to come.
   *
   * @throws {@link TransportError} `protocol-error` in the middle of a message
   */
  finish(): void {
    (this.#hasAsked ? this.#commands : this.#requests).finish();
  }

  /** Waits for nothing any more. */
  stop(): void {
    this.#watchdog.stop();
  }
}
