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
  interrupted,
  nameOf,
  openDenied,
  openFailed,
  selectFailed,
  type Attempt,
} from "./errors.js";
import type { WebUsbControlSetup, WebUsbDevice, WebUsbInterface } from "./usb.js";
import { whenLetIn } from "./when-let-in.js";

/** How a handle uses a device. */
export interface DeviceOptions {
  /** In place of that which is deduced. */
  readonly speed: Speed | undefined;
  /** Frames in a call, at most; `undefined` for what suits the endpoint. */
  readonly framesPerCall: number | undefined;
}

/** What is claimed, and how it was before. */
interface Claim {
  readonly user: object;
  /** The page had claimed it: it keeps it, in this alternate setting. */
  readonly kept: number | undefined;
}

/** A request that every device answers (USB 2.0, 9.4.5). */
const getStatus: WebUsbControlSetup = { requestType: "standard", recipient: "device", request: 0, value: 0, index: 0 };
/** What is lost with a packet that failed, where nothing else was asked for. */
const defaultBatch = { microseconds: 4000, frames: 32 } as const;
/** More packets than that Linux takes in no transfer. */
export const maxBatch = 128;

/** Every transport of the program meets at the one object that a browser has for a device. */
const known = new WeakMap<WebUsbDevice, SharedDevice>();
let count = 0;

/**
 * A USBDevice, and who uses it. It is one object, open or not, whose claims are those of the page; so
 * whoever opens it here shares it, and each interface belongs to one of them. Changes to it run one after
 * the other: browsers refuse whatever comes while one is under way.
 */
export class SharedDevice {
  readonly #usb: WebUsbDevice;
  readonly #gone = new AsyncSubject<IsochError>();
  readonly #claims = new Map<number, Claim>();
  /** By interface. */
  readonly #selected = new Map<number, AlternateSetting>();
  /** Those of the selected alternate settings, by address: the last, and those before it that are not idle. */
  readonly #endpoints = new Map<number, readonly WebUsbIsochEndpoint[]>();
  #info: DeviceInfo;
  #configuration: ConfigurationDescriptor | undefined;
  #users = 0;
  /** Opened here, and to be closed here; else the program had opened it, and will close it. */
  #isOurs = false;
  #unplugged: DeviceError | undefined;
  /** How often it was closed or reset from here: what was asked of it before that is cut short by it. */
  #interruptions = 0;
  #last: Promise<unknown> = Promise.resolve();
  #checking: Promise<boolean> | undefined;

  private constructor(usb: WebUsbDevice) {
    this.#usb = usb;
    this.#info = toDeviceInfo(`webusb-${++count}`, usb);
  }

  /** The one of a USBDevice. */
  static of(usb: WebUsbDevice): SharedDevice {
    const shared = known.get(usb) ?? new SharedDevice(usb);
    known.set(usb, shared);
    return shared;
  }

  /**
   * What is known of it; more, once it was opened.
   *
   * @param speed in place of that which is deduced
   */
  infoAt(speed: Speed | undefined): DeviceInfo {
    return speed === undefined ? this.#info : { ...this.#info, speed };
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
        this.#isOurs ||= !this.#usb.opened;
        await whenLetIn(() => this.#usb.open());
        try {
          await this.#configure();
          this.#configuration = await this.#describe();
        } catch (error) {
          await this.#giveBack().catch(() => undefined);
          throw error;
        }
      }
      this.#users++;
    });
  }

  /** A user is done with it. */
  async release(user: object): Promise<void> {
    for (const [interfaceNumber, claim] of [...this.#claims]) {
      if (claim.user === user) await this.releaseInterface(interfaceNumber, user).catch(() => undefined);
    }
    await this.#next(async () => {
      if (--this.#users > 0) return;
      this.#claims.clear();
      this.#selected.clear();
      this.#endpoints.clear();
      await this.#perform({ to: "close" }, () => this.#giveBack()).catch((error: unknown) => {
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
    return this.#last.then(() => {
      const { id } = this.#info;
      const before = this.#interruptions;
      return this.#perform({ to, advice: { denied } }, () =>
        controlTransfer(this.#usb, id, setup, data).catch((error: unknown) => {
          throw this.#interruptions === before ? error : interrupted(id, error);
        }),
      );
    });
  }

  claim(interfaceNumber: number, user: object): Promise<void> {
    const to = `claim interface ${interfaceNumber} of`;
    return this.#step({ to, advice: { denied: claimDenied, failed: claimFailed } }, async () => {
      this.#alternatesOf(interfaceNumber);
      this.#checkClaim(interfaceNumber, user);
      const { claimed = false, alternate } = this.#interface(interfaceNumber) ?? {};
      const kept = claimed ? (alternate?.alternateSetting ?? 0) : undefined;
      await this.#usb.claimInterface(interfaceNumber);
      // Claimed once more by the same user: what the page had is what it had at first.
      if (!this.#claims.has(interfaceNumber)) this.#claims.set(interfaceNumber, { user, kept });
    });
  }

  /** The interface goes back to alternate setting 0, as the specification has it, or to what the page had. */
  releaseInterface(interfaceNumber: number, user: object): Promise<void> {
    return this.#step({ to: `release interface ${interfaceNumber} of` }, async () => {
      const claim = this.#claims.get(interfaceNumber);
      if (claim?.user !== user) return;
      this.#claims.delete(interfaceNumber);
      const before = claim.kept ?? 0;
      const { alternateSetting = before } = this.#selected.get(interfaceNumber) ?? {};
      const draining = this.#retire(interfaceNumber);
      // Browsers count a released one as back at 0, and leave the device where it was.
      if (alternateSetting !== before) {
        await this.#whileOpen(() => this.#usb.selectAlternateInterface(interfaceNumber, before)).catch(() => undefined);
      }
      if (claim.kept === undefined) await this.#whileOpen(() => this.#usb.releaseInterface(interfaceNumber));
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
      const select = () => this.#usb.selectAlternateInterface(interfaceNumber, alternateSetting);
      // To setting 0, which has no stream, is a way to give it back.
      await (alternateSetting === 0 ? this.#whileOpen(select) : select());
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
      this.#interruptions++;
      await this.#usb.reset();
      for (const interfaceNumber of this.#claims.keys()) {
        // Linux has given it up, and refuses to do it again.
        await this.#usb.releaseInterface(interfaceNumber).catch(() => undefined);
        await this.#usb.claimInterface(interfaceNumber);
      }
      await Promise.all(draining);
    });
  }

  openEndpoint(address: number, user: object, { speed, framesPerCall }: DeviceOptions): TransportEndpoint {
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
    const frameDuration = serviceInterval(descriptor, speed ?? this.#info.speed);
    const endpoint = new WebUsbIsochEndpoint({
      usb: this.#usb,
      id: this.#info.id,
      address,
      direction: descriptor.direction,
      frameDuration,
      batch: framesPerCall ?? batchFor(frameDuration),
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
      const described = describeDevice(ask, this.#info);
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

  /** Closes it, unless the program had opened it. */
  async #giveBack(): Promise<void> {
    if (!this.#isOurs) return;
    this.#interruptions++;
    await this.#whileOpen(() => this.#usb.close());
    this.#isOurs = false;
  }

  /** Gives something back, if somebody else has not done so meanwhile. */
  async #whileOpen(work: () => Promise<void>): Promise<void> {
    await whenLetIn(work, () => !this.#usb.opened);
  }

  /** What the browser knows of it. */
  #interface(interfaceNumber: number): WebUsbInterface | undefined {
    return this.#usb.configuration?.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
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
    const claim = this.#claims.get(interfaceNumber);
    if (claim !== undefined && claim.user !== user) throw interfaceClaimed(interfaceNumber, this.#info.id);
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
