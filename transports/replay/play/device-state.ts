import type { SchedulerLike } from "rxjs";
import { alternateOf, alternatesOf } from "../../../src/alternates.js";
import { notSelected } from "../../../src/device-errors.js";
import { HandleClaims } from "../../../src/handle-claims.js";
import { serviceInterval, TransferStateError, type EndpointDescriptor, type IsochError } from "../../../src/index.js";
import type { RecordedDevice } from "./device-builder.js";
import { ReplayClock, SharedStart } from "./clock.js";
import { ReplayEndpoint } from "./endpoint.js";
import { TransferFeed } from "./feed.js";
import type { CaptureSource } from "./source.js";
import { StartFrameCheck } from "./start-frames.js";

/** How a capture is replayed. */
export interface ReplayPlan {
  readonly source: CaptureSource;
  readonly isPaced: boolean;
  readonly loop: boolean;
  readonly scheduler: SchedulerLike;
}

/** What all handles on a device share: who has which interface, what is selected, and what is replayed. */
export class DeviceState {
  readonly recorded: RecordedDevice;
  readonly #plan: ReplayPlan;
  readonly #clock: ReplayClock;
  readonly #start = new SharedStart();
  readonly #claims: HandleClaims;
  /** By interface, what is not 0. */
  readonly #selected = new Map<number, number>();
  readonly #opened = new Map<number, { readonly interfaceNumber: number; readonly endpoint: ReplayEndpoint }>();

  constructor(recorded: RecordedDevice, plan: ReplayPlan) {
    this.recorded = recorded;
    this.#plan = plan;
    this.#claims = new HandleClaims(recorded.info.id);
    this.#clock = new ReplayClock(plan.scheduler);
  }

  claim(interfaceNumber: number, claimer: object): void {
    alternatesOf(this.recorded.configuration, interfaceNumber, this.#id);
    this.#claims.claim(interfaceNumber, claimer);
  }

  /** The interface goes back to alternate setting 0. */
  release(interfaceNumber: number, claimer: object): void {
    if (!this.#claims.has(interfaceNumber, claimer)) return;
    this.#claims.release(interfaceNumber);
    this.#retire(interfaceNumber);
    this.#selected.delete(interfaceNumber);
  }

  releaseAll(claimer: object): void {
    for (const interfaceNumber of this.#claims.of(claimer)) this.release(interfaceNumber, claimer);
  }

  select(interfaceNumber: number, alternate: number, claimer: object): void {
    alternateOf(this.recorded.configuration, interfaceNumber, alternate, this.#id);
    this.#claims.check(interfaceNumber, claimer);
    this.#retire(interfaceNumber);
    this.#selected.set(interfaceNumber, alternate);
  }

  selectedAlternate(interfaceNumber: number): number {
    return this.#selected.get(interfaceNumber) ?? 0;
  }

  /** Whether a selected alternate setting has the endpoint, or it is endpoint zero. */
  hasEndpoint(address: number): boolean {
    return address === 0 || this.#find(address) !== undefined;
  }

  open(address: number, claimer: object): ReplayEndpoint {
    const found = this.#find(address);
    if (found?.descriptor.transferType !== "isochronous") throw notSelected(address, this.#id);
    const { interfaceNumber, descriptor } = found;
    this.#claims.check(interfaceNumber, claimer);
    this.#opened.get(address)?.endpoint.retire(openedAnew());
    const endpoint = this.#createEndpoint(descriptor);
    this.#opened.set(address, { interfaceNumber, endpoint });
    return endpoint;
  }

  reset(): void {
    for (const { number } of this.recorded.configuration.interfaces) this.#retire(number);
    this.#selected.clear();
  }

  get #id(): string {
    return this.recorded.info.id;
  }

  #createEndpoint(descriptor: EndpointDescriptor): ReplayEndpoint {
    const { info, bus, device, endpoints } = this.recorded;
    const { source, loop, isPaced, scheduler } = this.#plan;
    const unitDuration = info.speed === "full" ? 1000 : 125;
    const frameDuration = serviceInterval(descriptor, info.speed);
    const { address: endpoint, direction } = descriptor;
    const starts = endpoints.get(endpoint)?.starts ?? new StartFrameCheck();
    return new ReplayEndpoint({
      id: info.id,
      isIn: direction === "in",
      clock: this.#clock,
      start: this.#start,
      isPaced,
      frameDuration,
      openFeed: () =>
        new TransferFeed({ source, bus, device, endpoint, starts, frameDuration, unitDuration, loop, scheduler }),
    });
  }

  #retire(interfaceNumber: number): void {
    for (const [address, opened] of [...this.#opened]) {
      if (opened.interfaceNumber !== interfaceNumber) continue;
      this.#opened.delete(address);
      opened.endpoint.retire(openedAnew());
    }
  }

  #find(address: number): { readonly interfaceNumber: number; readonly descriptor: EndpointDescriptor } | undefined {
    for (const { number, alternates } of this.recorded.configuration.interfaces) {
      const setting = alternates.find(({ alternateSetting }) => alternateSetting === this.selectedAlternate(number));
      const descriptor = setting?.endpoints.find((each) => each.address === address);
      if (descriptor !== undefined) return { interfaceNumber: number, descriptor };
    }
    return undefined;
  }
}

function openedAnew(): IsochError {
  return new TransferStateError(
    "pipe-closed",
    "another alternate setting was selected, or the interface was released: open the endpoint again",
  );
}
