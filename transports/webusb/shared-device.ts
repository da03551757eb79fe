import { AsyncSubject, defer, lastValueFrom, type Observable } from "rxjs";
import {
  DescriptorError,
  DeviceError,
  EndpointError,
  serviceInterval,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type IsochError,
  type Speed,
  type TransportEndpoint,
} from "../../src/index.js";
import { handleClosed, interfaceClaimed, unplugged } from "../../src/device-errors.js";
import { hexAddress } from "../../src/endpoint.js";
import { controlTransfer } from "./control.js";
import { describeDevice } from "./describe.js";
import { toDeviceInfo } from "./device-info.js";
import { WebUsbIsochEndpoint } from "./endpoint.js";
import {
  claimDenied,
  claimFailed,
  explain,
  nameOf,
  openDenied,
  openFailed,
  selectFailed,
  type Attempt,
} from "./errors.js";
import type { WebUsbControlSetup, WebUsbDevice } from "./usb.js";

/** How the devices of a transport are used. */
export interface DeviceOptions {
  readonly speed: Speed | undefined;
  /** Frames in a call, at most; `undefined` for what suits the endpoint. */
  readonly framesPerCall: number | undefined;
}

/** A request that every device answers (USB 2.0, 9.4.5). */
const getStatus: WebUsbControlSetup = { requestType: "standard", recipient: "device", request: 0, value: 0, index: 0 };
/** What is lost with a packet that failed, where nothing else was asked for. */
const defaultBatch = { microseconds: 4000, frames: 32 } as const;
/** More packets than that Linux takes in no transfer. */
export const maxBatch = 128;

/**
 * A USBDevice, and who uses it. It is one object, open or not, whose claims are those of the page; so
 * whoever opens it here shares it, and each interface belongs to one of them. Changes to it run one after
 * the other: browsers refuse whatever comes while one is under way.
 */
export class SharedDevice {
  readonly #usb: WebUsbDevice;
  readonly #options: DeviceOptions;
  readonly #gone = new AsyncSubject<IsochError>();
  readonly #claims = new Map<number, object>();
  /** By interface. */
  readonly #selected = new Map<number, AlternateSetting>();
  /** Those of the selected alternate settings, by address: the last, and those before it that are not idle. */
  readonly #endpoints = new Map<number, readonly WebUsbIsochEndpoint[]>();
  #info: DeviceInfo;
  #configuration: ConfigurationDescriptor | undefined;
  #users = 0;
  /** The program had opened it, and will close it. */
  #wasOpen = false;
  #unplugged: DeviceError | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #checking: Promise<boolean> | undefined;

  constructor(id: string, usb: WebUsbDevice, options: DeviceOptions) {
    this.#usb = usb;
    this.#options = options;
    this.#info = toDeviceInfo(id, usb);
  }

  /** What is known of it; more, once it was opened. */
  get info(): DeviceInfo {
    return this.#info;
  }

  get configuration(): ConfigurationDescriptor {
    if (this.#configuration === undefined) throw handleClosed(this.#info.id);
    return this.#configuration;
  }

  get isGone(): boolean {
    return this.#unplugged !== undefined;
  }

  /** Emits when it was unplugged, and completes. */
  get gone(): Observable<IsochError> {
    return this.#gone.asObservable();
  }

  /** It was unplugged. */
  leave(): void {
    if (this.#unplugged !== undefined) return;
    const gone = unplugged(this.#info.id);
    this.#unplugged = gone;
    for (const endpoint of [...this.#endpoints.values()].flat()) endpoint.fail(gone);
    this.#gone.next(gone);
    this.#gone.complete();
  }

  /** Opens it for one more user. Where it rejects, it is as before. */
  acquire(): Promise<void> {
    return this.#step({ to: "open", advice: { denied: openDenied, failed: openFailed } }, async () => {
      if (this.#users === 0) {
        this.#wasOpen = this.#usb.opened;
        await this.#usb.open();
        try {
          await this.#configure();
          this.#configuration = await this.#describe();
        } catch (error) {
          if (!this.#wasOpen) await this.#usb.close().catch(() => undefined);
          throw error;
        }
      }
      this.#users++;
    });
  }

  /** A user is done with it. */
  async release(user: object): Promise<void> {
    for (const [interfaceNumber, claimer] of [...this.#claims]) {
      if (claimer === user) await this.releaseInterface(interfaceNumber, user).catch(() => undefined);
    }
    await this.#next(async () => {
      if (--this.#users > 0) return;
      this.#claims.clear();
      this.#selected.clear();
      this.#endpoints.clear();
      if (this.#wasOpen) return;
      await this.#perform({ to: "close" }, () => this.#usb.close()).catch((error: unknown) => {
        // Where it is gone, there is nothing left to give back.
        if (!this.isGone) throw error;
      });
    });
  }

  control(setup: ControlSetup, data: number | Uint8Array): Promise<Uint8Array> {
    const { type, request, value, index } = setup;
    const to = `get an answer to the ${type} request ${request}, value ${value}, index ${index}, from`;
    const denied = "the browser lets no page send this request, or not to an interface that it protects";
    // It waits for changes under way, but a device that never answers it holds up no change, nor the close.
    return this.#last.then(() =>
      this.#perform({ to, advice: { denied } }, () => controlTransfer(this.#usb, this.#info.id, setup, data)),
    );
  }

  claim(interfaceNumber: number, user: object): Promise<void> {
    const to = `claim interface ${interfaceNumber} of`;
    return this.#step({ to, advice: { denied: claimDenied, failed: claimFailed } }, async () => {
      this.#alternatesOf(interfaceNumber);
      this.#checkClaim(interfaceNumber, user);
      await this.#usb.claimInterface(interfaceNumber);
      this.#claims.set(interfaceNumber, user);
    });
  }

  /** The interface goes back to alternate setting 0, as the specification has it. */
  releaseInterface(interfaceNumber: number, user: object): Promise<void> {
    return this.#step({ to: `release interface ${interfaceNumber} of` }, async () => {
      if (this.#claims.get(interfaceNumber) !== user) return;
      this.#claims.delete(interfaceNumber);
      const { alternateSetting = 0 } = this.#selected.get(interfaceNumber) ?? {};
      const draining = this.#retire(interfaceNumber);
      // Browsers count it as back at 0, and leave the device where it was.
      if (alternateSetting !== 0) await this.#usb.selectAlternateInterface(interfaceNumber, 0).catch(() => undefined);
      await this.#usb.releaseInterface(interfaceNumber);
      await draining;
    });
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number, user: object): Promise<void> {
    const to = `select alternate setting ${alternateSetting} of interface ${interfaceNumber} of`;
    return this.#step({ to, advice: { failed: selectFailed } }, async () => {
      const alternates = this.#alternatesOf(interfaceNumber);
      const alternate = alternates.find((each) => each.alternateSetting === alternateSetting);
      if (alternate === undefined) throw this.#noSuch(`alternate setting ${alternateSetting}`);
      this.#checkClaim(interfaceNumber, user);
      const draining = this.#retire(interfaceNumber);
      await this.#usb.selectAlternateInterface(interfaceNumber, alternateSetting);
      this.#selected.set(interfaceNumber, alternate);
      await draining;
    });
  }

  clearHalt(address: number): Promise<void> {
    return this.#step({ to: `clear the halt of endpoint ${hexAddress(address)} of` }, () =>
      this.#usb.clearHalt((address & 0x80) === 0 ? "out" : "in", address & 0x0f),
    );
  }

  /** What is in flight completes first. Claims are made anew, as some systems forget them. */
  reset(): Promise<void> {
    return this.#step({ to: "reset" }, async () => {
      const draining = [...this.#selected.keys()].map((interfaceNumber) => this.#retire(interfaceNumber));
      await this.#usb.reset();
      for (const interfaceNumber of this.#claims.keys()) {
        // Linux has given it up, and refuses to do it again.
        await this.#usb.releaseInterface(interfaceNumber).catch(() => undefined);
        await this.#usb.claimInterface(interfaceNumber);
      }
      await Promise.all(draining);
    });
  }

  openEndpoint(address: number, user: object): TransportEndpoint {
    this.#checkPresent();
    const place = [...this.#selected.values()]
      .flatMap(({ interfaceNumber, endpoints }) => endpoints.map((descriptor) => ({ interfaceNumber, descriptor })))
      .find(({ descriptor }) => descriptor.address === address && descriptor.transferType === "isochronous");
    if (place === undefined) {
      throw new EndpointError(
        "not-in-alternate",
        `endpoint ${hexAddress(address)} of ${this.#info.id} is not an isochronous endpoint of a selected alternate setting: select one that has it`,
      );
    }
    this.#checkClaim(place.interfaceNumber, user);
    const { descriptor } = place;
    const frameDuration = serviceInterval(descriptor, this.#info.speed);
    const endpoint = new WebUsbIsochEndpoint({
      usb: this.#usb,
      id: this.#info.id,
      address,
      direction: descriptor.direction,
      frameDuration,
      batch: this.#options.framesPerCall ?? batchFor(frameDuration),
      checkPresent: () => this.#isPresent(),
    });
    const before = this.#endpoints.get(address) ?? [];
    this.#endpoints.set(address, [...before.filter(({ isIdle }) => !isIdle), endpoint]);
    return endpoint;
  }

  /** Selects the first configuration of a device that is in none. */
  async #configure(): Promise<void> {
    if (this.#usb.configuration !== null) return;
    const [first] = this.#usb.configurations;
    if (first === undefined) {
      throw new DeviceError("not-configured", `${this.#info.id} has no configuration: use another device`);
    }
    await this.#usb.selectConfiguration(first.configurationValue);
  }

  /** Reads what WebUSB does not tell; the selected configuration. */
  async #describe(): Promise<ConfigurationDescriptor> {
    const { id } = this.#info;
    const ask = (setup: ControlSetup, length: number) => defer(() => controlTransfer(this.#usb, id, setup, length));
    if (this.#info.configurations.length === 0) {
      const described = describeDevice(ask, this.#info, this.#options.speed);
      this.#info = await lastValueFrom(described, { defaultValue: this.#info });
    }
    const value = this.#usb.configuration?.configurationValue;
    const configuration = this.#info.configurations.find((each) => each.value === value);
    if (configuration !== undefined) return configuration;
    throw new DescriptorError(
      "bad-descriptor",
      `${id} is in configuration ${String(value)}, which has no valid descriptor: use another device`,
    );
  }

  /** The alternate setting is given up; resolves when nothing is in flight there. */
  async #retire(interfaceNumber: number): Promise<void> {
    const draining: Promise<void>[] = [];
    for (const { address } of this.#selected.get(interfaceNumber)?.endpoints ?? []) {
      for (const endpoint of this.#endpoints.get(address) ?? []) {
        endpoint.retire();
        draining.push(endpoint.drained());
      }
      this.#endpoints.delete(address);
    }
    this.#selected.delete(interfaceNumber);
    await Promise.all(draining);
  }

  #isPresent(): Promise<boolean> {
    this.#checking ??= this.#checkThere().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /**
   * To open what is open does nothing, and fails where the browser knows that it is gone. The system knows
   * earlier, and lets no request through.
   */
  async #checkThere(): Promise<boolean> {
    if (this.#usb.opened) {
      try {
        await this.#usb.open();
        await this.#unlessGone(this.#usb.controlTransferIn(getStatus, 2));
        return !this.isGone;
      } catch (error) {
        if (nameOf(error) !== "NotFoundError") return !this.isGone;
      }
    }
    this.leave();
    return false;
  }

  #alternatesOf(interfaceNumber: number): readonly AlternateSetting[] {
    const found = this.configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found === undefined) throw this.#noSuch(`interface ${interfaceNumber}`);
    return found.alternates;
  }

  #noSuch(what: string): EndpointError {
    return new EndpointError(
      "no-such-endpoint",
      `${this.#info.id} has no ${what}: look at what its configuration lists`,
    );
  }

  #checkClaim(interfaceNumber: number, user: object): void {
    const claimer = this.#claims.get(interfaceNumber);
    if (claimer !== undefined && claimer !== user) throw interfaceClaimed(interfaceNumber, this.#info.id);
  }

  #checkPresent(): void {
    if (this.#unplugged !== undefined) throw this.#unplugged;
  }

  #step<T>(attempt: Omit<Attempt, "id" | "isGone">, work: () => Promise<T>): Promise<T> {
    return this.#next(() => this.#perform(attempt, work));
  }

  /** One step after the other. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const step = this.#last.then(work);
    this.#last = step.catch(() => undefined);
    return step;
  }

  async #perform<T>(attempt: Omit<Attempt, "id" | "isGone">, work: () => Promise<T>): Promise<T> {
    this.#checkPresent();
    const { id } = this.#info;
    try {
      return await this.#unlessGone(work());
    } catch (error) {
      if (nameOf(error) === "NotFoundError") await this.#isPresent();
      throw explain(error, { ...attempt, id, isGone: this.isGone });
    }
  }

  /** No step outlasts the device: nobody knows whether it would ever end. */
  #unlessGone<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const watch = this.#gone.subscribe({ next: reject, error: reject });
      void work.then(resolve, reject).finally(() => {
        watch.unsubscribe();
      });
    });
  }
}

/** Frames that are lost with one that failed: few, but not so few that their calls are all that is done. */
function batchFor(frameDuration: number): number {
  const { microseconds, frames } = defaultBatch;
  return Math.max(1, Math.min(frames, Math.round(microseconds / frameDuration)));
}
