import { defer, throwError, type Observable } from "rxjs";
import {
  BandwidthError,
  DeviceError,
  IsochError,
  type ControlSetup,
  type TransportDevice,
} from "../../../src/index.js";
import { InFlight } from "../drained.js";
import { errno, type SubmitCommand } from "../protocol/index.js";
import { failedOutcome, takenBackOutcome, type Urb, type UrbOutcome } from "./urb.js";

/** Requests that change what a host keeps in mind of a device, so that the transport has calls for them. */
export interface DeviceState {
  /** SET_CONFIGURATION with the value of the configuration there is, or with 0: every alternate setting 0. */
  selectConfiguration(): Observable<never>;
  /** SET_INTERFACE. */
  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never>;
}

/** bmRequestType and bRequest of those (USB 2.0, tables 9-3 and 9-4). */
const setConfiguration = 0x0009;
const setInterface = 0x010b;
const clearEndpointFeature = 0x0201;
/** Feature selector (USB 2.0, table 9-6). */
const endpointHalt = 0;

const types = ["standard", "class", "vendor"] as const;
const recipients = ["device", "interface", "endpoint", "other"] as const;
const nothing = new Uint8Array(0);

/** Endpoint zero: one request after the other, in the order they came in. */
export class ControlPipe {
  readonly #device: TransportDevice;
  readonly #state: DeviceState;
  readonly #queue: Urb[] = [];
  readonly #running = new InFlight<Urb>();
  #isPumping = false;

  constructor(device: TransportDevice, state: DeviceState) {
    this.#device = device;
    this.#state = state;
  }

  submit(urb: Urb): void {
    this.#queue.push(urb);
    this.#pump();
  }

  /** Takes a request back if the device has not got it yet; one that it has runs to its end. */
  cancel(urb: Urb): void {
    const index = this.#queue.indexOf(urb);
    if (index < 0) return;
    this.#queue.splice(index, 1);
    urb.finish(takenBackOutcome(urb.command));
  }

  /** Takes back what can be taken back. */
  cancelAll(): void {
    for (const urb of [...this.#queue]) this.cancel(urb);
  }

  /** Completes when the device works on nothing. */
  get drained(): Observable<never> {
    return this.#running.drained;
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#running.size === 0) {
      const urb = this.#queue.shift();
      if (urb === undefined) break;
      this.#run(urb);
    }
    this.#isPumping = false;
  }

  #run(urb: Urb): void {
    this.#running.add(urb);
    const { command } = urb;
    let answer: Uint8Array = nothing;
    const end = (outcome: UrbOutcome) => {
      urb.finish(outcome);
      this.#running.delete(urb);
      this.#pump();
    };
    defer(() => this.#perform(command)).subscribe({
      next: (bytes) => {
        answer = bytes;
      },
      error: (error: unknown) => {
        end(failedOutcome(command, errnoOfError(error)));
      },
      complete: () => {
        if (command.direction === "out") end({ status: 0, actualLength: command.length });
        else {
          const data = answer.subarray(0, command.length);
          end({ status: 0, actualLength: data.length, data });
        }
      },
    });
  }

  #perform({ setup, direction, length, data }: SubmitCommand): Observable<Uint8Array> {
    const [requestType = 0, request = 0, valueLow = 0, valueHigh = 0, indexLow = 0, indexHigh = 0] = setup;
    const value = valueLow | (valueHigh << 8);
    const index = indexLow | (indexHigh << 8);
    const size = (setup[6] ?? 0) | ((setup[7] ?? 0) << 8);
    switch ((requestType << 8) | request) {
      case setConfiguration:
        if (value !== 0 && value !== this.#device.configuration.value) return stall();
        return this.#state.selectConfiguration();
      case setInterface:
        return this.#state.selectAlternate(index, value);
      case clearEndpointFeature:
        if (value === endpointHalt) return this.#device.clearHalt(index & 0x8f);
        break;
      default:
    }
    const type = types[(requestType >> 5) & 3];
    const recipient = recipients[requestType & 0x1f];
    if (type === undefined || recipient === undefined) return stall();
    const isIn = (requestType & 0x80) !== 0;
    if (size > 0 && isIn !== (direction === "in")) return stall();
    if (direction === "out" && size !== length) return stall();
    const control: ControlSetup = { direction: isIn ? "in" : "out", type, recipient, request, value, index };
    return this.#device.controlTransfer(control, isIn ? Math.min(size, length) : data);
  }
}

function stall(): Observable<never> {
  return throwError(() => new DeviceError("control-stalled", "the client's request contradicts itself: correct it"));
}

/** What a client's host controller would have said. */
export function errnoOfError(error: unknown): number {
  if (BandwidthError.is(error)) return errno.ENOSPC;
  if (!IsochError.is(error)) return errno.EPROTO;
  if (error.code === "device-gone") return errno.ESHUTDOWN;
  if (error.code === "no-memory") return errno.ENOMEM;
  if (error.code === "transport-failed") return errno.EPROTO;
  return errno.EPIPE;
}
