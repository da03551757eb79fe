import { defer, lastValueFrom, type Observable } from "rxjs";
import type {
  ConfigurationDescriptor,
  ControlSetup,
  DeviceInfo,
  IsochError,
  Speed,
  TransportEndpoint,
} from "../../src/index.js";
import { alternateOf, alternatesOf } from "../../src/alternates.js";
import { handleClosed } from "../../src/device-errors.js";
import { hexAddress } from "../../src/endpoint.js";
import { controlTransfer } from "./control.js";
import { describeDevice } from "./describe.js";
import { toDeviceInfo } from "./device-info.js";
import { claimDenied, claimFailed, interrupted, openDenied, openFailed, selectFailed } from "./errors.js";
import { Presence } from "./presence.js";
import { configure, selectedConfiguration } from "./selected-configuration.js";
import { Session } from "./session.js";
import { SharedInterfaces } from "./shared-interfaces.js";
import { Steps } from "./steps.js";
import type { WebUsbDevice } from "./usb.js";

/** How a handle uses a device. */
export interface DeviceOptions {
  /** In place of that which is deduced. */
  readonly speed: Speed | undefined;
  /** Frames in a call, at most; `undefined` for what suits the endpoint. */
  readonly framesPerCall: number | undefined;
}

/** Every transport of the program meets at the one object that a browser has for a device. */
const known = new WeakMap<WebUsbDevice, SharedDevice>();
let count = 0;

/**
 * A USBDevice, and who uses it. It is one object, open or not; so whoever opens it here shares it, and each
 * interface belongs to one of them.
 */
export class SharedDevice {
  readonly #usb: WebUsbDevice;
  readonly #presence: Presence;
  readonly #steps: Steps;
  readonly #session: Session;
  readonly #interfaces: SharedInterfaces;
  #info: DeviceInfo;
  #configuration: ConfigurationDescriptor | undefined;
  #users = 0;

  private constructor(usb: WebUsbDevice) {
    const id = `webusb-${++count}`;
    const presence = new Presence(usb, id, (gone) => {
      this.#interfaces.fail(gone);
    });
    const session = new Session(usb);
    this.#usb = usb;
    this.#info = toDeviceInfo(id, usb);
    this.#presence = presence;
    this.#steps = new Steps(id, presence);
    this.#session = session;
    this.#interfaces = new SharedInterfaces({ usb, id, session, presence });
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
    return this.#presence.isGone;
  }

  /** Emits when it was unplugged, and completes. */
  get gone(): Observable<IsochError> {
    return this.#presence.gone;
  }

  /** It was unplugged. */
  leave(): void {
    this.#presence.leave();
  }

  /** Opens it for one more user. Where it rejects, it is as before. */
  acquire(): Promise<void> {
    return this.#steps.run({ to: "open", advice: { denied: openDenied, failed: openFailed } }, async () => {
      if (this.#users === 0) {
        await this.#session.open();
        try {
          await configure(this.#usb, this.#info.id);
          this.#info = await this.#described();
          this.#configuration = selectedConfiguration(this.#usb, this.#info);
        } catch (error) {
          await this.#session.close().catch(() => undefined);
          throw error;
        }
      }
      this.#users++;
    });
  }

  /** A user is done with it. */
  async release(user: object): Promise<void> {
    for (const interfaceNumber of this.#interfaces.of(user)) {
      await this.releaseInterface(interfaceNumber, user).catch(() => undefined);
    }
    await this.#steps.queue(async () => {
      if (--this.#users > 0) return;
      this.#interfaces.forget();
      await this.#steps
        .perform({ to: "close" }, () => this.#session.close())
        .catch((error: unknown) => {
          // Where it is gone, there is nothing left to give back.
          if (!this.isGone) throw error;
        });
    });
  }

  control(setup: ControlSetup, data: number | Uint8Array): Promise<Uint8Array> {
    const { type, request, value, index } = setup;
    const to = `get an answer to the ${type} request ${request}, value ${value}, index ${index}, from`;
    const denied = "the browser lets no page send this request, or not to an interface that it protects";
    return this.#steps.runBeside({ to, advice: { denied } }, () => {
      const { id } = this.#info;
      const before = this.#session.interruptions;
      return controlTransfer(this.#usb, id, setup, data).catch((error: unknown) => {
        throw this.#session.interruptions === before ? error : interrupted(id, error);
      });
    });
  }

  claim(interfaceNumber: number, user: object): Promise<void> {
    const to = `claim interface ${interfaceNumber} of`;
    return this.#steps.run({ to, advice: { denied: claimDenied, failed: claimFailed } }, async () => {
      alternatesOf(this.configuration, interfaceNumber, this.#info.id);
      await this.#interfaces.claim(interfaceNumber, user);
    });
  }

  /** The interface goes back to alternate setting 0, or to what the page had. */
  releaseInterface(interfaceNumber: number, user: object): Promise<void> {
    return this.#steps.run({ to: `release interface ${interfaceNumber} of` }, () =>
      this.#interfaces.release(interfaceNumber, user),
    );
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number, user: object): Promise<void> {
    const to = `select alternate setting ${alternateSetting} of interface ${interfaceNumber} of`;
    return this.#steps.run({ to, advice: { failed: selectFailed } }, async () => {
      const alternate = alternateOf(this.configuration, interfaceNumber, alternateSetting, this.#info.id);
      await this.#interfaces.select(alternate, user);
    });
  }

  clearHalt(address: number): Promise<void> {
    return this.#steps.run({ to: `clear the halt of endpoint ${hexAddress(address)} of` }, () =>
      this.#usb.clearHalt((address & 0x80) === 0 ? "out" : "in", address & 0x0f),
    );
  }

  /** What is in flight completes first, and claims stay. */
  reset(): Promise<void> {
    return this.#steps.run({ to: "reset" }, () => this.#interfaces.reset());
  }

  openEndpoint(address: number, user: object, { speed, framesPerCall }: DeviceOptions): TransportEndpoint {
    this.#presence.check();
    return this.#interfaces.openEndpoint(address, user, { speed: speed ?? this.#info.speed, framesPerCall });
  }

  /** What is known of it, with what WebUSB does not tell, which is read once. */
  async #described(): Promise<DeviceInfo> {
    const { id, configurations } = this.#info;
    if (configurations.length > 0) return this.#info;
    const ask = (setup: ControlSetup, length: number) => defer(() => controlTransfer(this.#usb, id, setup, length));
    return lastValueFrom(describeDevice(ask, this.#info), { defaultValue: this.#info });
  }
}
