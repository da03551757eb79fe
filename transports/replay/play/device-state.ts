import type { SchedulerLike } from "rxjs";
import { interfaceClaimed } from "../../../src/device-errors.js";
import {
  EndpointError,
  serviceInterval,
  TransferStateError,
  type AlternateSetting,
  type EndpointDescriptor,
  type IsochError,
} from "../../../src/index.js";
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
  readonly #claims = new Map<number, object>();
  /** By interface, what is not 0. */
  readonly #selected = new Map<number, number>();
  readonly #opened = new Map<number, { readonly interfaceNumber: number; readonly endpoint: ReplayEndpoint }>();

  constructor(recorded: RecordedDevice, plan: ReplayPlan) {
    this.recorded = recorded;
    this.#plan = plan;
    this.#clock = new ReplayClock(plan.scheduler);
  }

  claim(interfaceNumber: number, claimer: object): void {
    this.#settings(interfaceNumber);
    this.#checkClaim(interfaceNumber, claimer);
    this.#claims.set(interfaceNumber, claimer);
  }

  /** The interface goes back to alternate setting 0. */
  release(interfaceNumber: number, claimer: object): void {
    if (this.#claims.get(interfaceNumber) !== claimer) return;
    this.#claims.delete(interfaceNumber);
    this.#retire(interfaceNumber);
    this.#selected.delete(interfaceNumber);
  }

  releaseAll(claimer: object): void {
    for (const [interfaceNumber, holder] of [...this.#claims]) {
      if (holder === claimer) this.release(interfaceNumber, claimer);
    }
  }

  select(interfaceNumber: number, alternate: number, claimer: object): void {
    const settings = this.#settings(interfaceNumber);
    if (!settings.some(({ alternateSetting }) => alternateSetting === alternate)) {
      throw new EndpointError(
        "no-such-endpoint",
        `interface ${interfaceNumber} of ${this.#id} has no alternate setting ${alternate}`,
      );
    }
    this.#checkClaim(interfaceNumber, claimer);
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
    if (found?.descriptor.transferType !== "isochronous") {
      throw new EndpointError(
        "not-in-alternate",
        `endpoint 0x${address.toString(16)} of ${this.#id} is not an isochronous endpoint of a selected alternate setting: select one that has it`,
      );
    }
    const { interfaceNumber, descriptor } = found;
    this.#checkClaim(interfaceNumber, claimer);
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

  #settings(interfaceNumber: number): readonly AlternateSetting[] {
    const found = this.recorded.configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found !== undefined) return found.alternates;
    throw new EndpointError("no-such-endpoint", `${this.#id} has no interface ${interfaceNumber}`);
  }

  #find(address: number): { readonly interfaceNumber: number; readonly descriptor: EndpointDescriptor } | undefined {
    for (const { number, alternates } of this.recorded.configuration.interfaces) {
      const setting = alternates.find(({ alternateSetting }) => alternateSetting === this.selectedAlternate(number));
      const descriptor = setting?.endpoints.find((each) => each.address === address);
      if (descriptor !== undefined) return { interfaceNumber: number, descriptor };
    }
    return undefined;
  }

  #checkClaim(interfaceNumber: number, claimer: object): void {
    const holder = this.#claims.get(interfaceNumber);
    if (holder !== undefined && holder !== claimer) throw interfaceClaimed(interfaceNumber, this.#id);
  }
}

function openedAnew(): IsochError {
  return new TransferStateError(
    "pipe-closed",
    "another alternate setting was selected, or the interface was released: open the endpoint again",
  );
}
