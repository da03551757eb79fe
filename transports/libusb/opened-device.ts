import { AsyncSubject, defer, from, ignoreElements, type Observable } from "rxjs";
import {
  DescriptorError,
  DeviceError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type IsochError,
  type TransportDevice,
  type TransportEndpoint,
} from "../../src/index.js";
import { alternateOf, alternatesOf } from "../../src/alternates.js";
import { checkControl } from "../../src/control.js";
import { handleClosed, notSelected } from "../../src/device-errors.js";
import { serviceInterval } from "../../src/endpoint.js";
import type { NativeContext, NativeDevice, NativeDeviceInfo } from "./addon.js";
import { LibusbEndpoint, type Activity } from "./endpoint.js";
import { deviceGone, endpointName, explain, type Attempt } from "./errors.js";
import { interfaceHolder, sysfsPath } from "./interface-holder.js";

/** How a device is opened. */
export interface OpenOptions {
  readonly detachKernelDriver: boolean;
  /** {@link Attempt.packetRules}, of what moves data. */
  readonly packetRules?: string | undefined;
  /** Called once, when the device is closed. */
  readonly closed: () => Promise<void>;
}

/** Where the standard request types stand in bmRequestType (USB 2.0, 9.3, table 9-2). */
const requestTypes = { standard: 0x00, class: 0x20, vendor: 0x40 } as const;
const recipients = { device: 0, interface: 1, endpoint: 2, other: 3 } as const;
const deviceToHost = 0x80;

/** A device that libusb has opened. */
export class OpenedDevice implements TransportDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly gone: Observable<IsochError>;
  readonly #native: NativeDevice;
  readonly #location: NativeDeviceInfo;
  readonly #options: OpenOptions;
  readonly #gone = new AsyncSubject<IsochError>();
  /** By interface. */
  readonly #selected = new Map<number, AlternateSetting>();
  /** Those of the selected alternate settings, by address: the last, and those before it that are not idle. */
  readonly #endpoints = new Map<number, readonly LibusbEndpoint[]>();
  /** What moves data, or did since the last look. */
  readonly #activities = new Set<Activity>();
  /** The last step on the device: one at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** Where it rejects, nothing is open. */
  static async open(
    context: NativeContext,
    location: NativeDeviceInfo,
    info: DeviceInfo,
    options: OpenOptions,
  ): Promise<OpenedDevice> {
    try {
      const opened: { device?: OpenedDevice } = {};
      const native = await context.open(location.bus, location.address, () => opened.device?.look());
      try {
        const value = await native.configuration();
        const configuration = info.configurations.find((each) => each.value === value);
        if (configuration === undefined) throw native.gone ? deviceGone(info.id) : notConfigured(info, location, value);
        opened.device = new OpenedDevice(native, location, info, configuration, options);
        // Until now, nobody was there to hear that it is gone.
        opened.device.look();
        return opened.device;
      } catch (error) {
        const isGone = native.gone;
        await native.close();
        throw explain(error, { to: "open", device: info, isGone });
      }
    } catch (error) {
      throw explain(error, { to: "open", device: info });
    }
  }

  private constructor(
    native: NativeDevice,
    location: NativeDeviceInfo,
    info: DeviceInfo,
    configuration: ConfigurationDescriptor,
    options: OpenOptions,
  ) {
    this.info = info;
    this.configuration = configuration;
    this.gone = this.#gone.asObservable();
    this.#native = native;
    this.#location = location;
    this.#options = options;
  }

  /** Something has happened to the device, or on it. */
  look(): void {
    for (const activity of this.#activities) activity.look();
    // What had arrived comes first.
    if (!this.#native.gone) return;
    this.#gone.next(deviceGone(this.info.id));
    this.#gone.complete();
  }

  controlTransfer(setup: ControlSetup, data: number | Uint8Array): Observable<Uint8Array> {
    return defer(() => {
      checkControl(setup, data);
      const { request, value, index } = setup;
      const type = requestTypes[setup.type] | recipients[setup.recipient];
      return this.#step(
        `get an answer to the ${setup.type} request ${request}, value ${value}, index ${index}, from`,
        async () => {
          if (typeof data === "number") {
            return this.#native.controlIn(type | deviceToHost, request, value, index, data);
          }
          await this.#native.controlOut(type, request, value, index, data);
          return new Uint8Array(0);
        },
      );
    });
  }

  claimInterface(interfaceNumber: number): Observable<never> {
    return defer(() => {
      alternatesOf(this.configuration, interfaceNumber, this.info.id);
      return this.#do(
        `claim interface ${interfaceNumber} of`,
        () => this.#native.claim(interfaceNumber, this.#options.detachKernelDriver),
        () => interfaceHolder(this.#location, this.configuration.value, interfaceNumber),
      );
    });
  }

  releaseInterface(interfaceNumber: number): Observable<never> {
    return this.#do(`release interface ${interfaceNumber} of`, () => this.#native.release(interfaceNumber));
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return defer(() => {
      const alternate = alternateOf(this.configuration, interfaceNumber, alternateSetting, this.info.id);
      return this.#do(`select alternate setting ${alternateSetting} of interface ${interfaceNumber} of`, async () => {
        this.#retire(interfaceNumber);
        await this.#native.selectAlternate(interfaceNumber, alternateSetting);
        this.#selected.set(interfaceNumber, alternate);
      });
    });
  }

  clearHalt(endpointAddress: number): Observable<never> {
    return this.#do(`clear the halt of ${endpointName(endpointAddress)} of`, () =>
      this.#native.clearHalt(endpointAddress),
    );
  }

  reset(): Observable<never> {
    return this.#do("reset the port of", async () => {
      for (const interfaceNumber of this.#selected.keys()) this.#retire(interfaceNumber);
      await this.#native.reset();
      this.look();
    });
  }

  openEndpoint(endpointAddress: number): TransportEndpoint {
    this.#checkOpen();
    const descriptor = [...this.#selected.values()]
      .flatMap(({ endpoints }) => endpoints)
      .find(({ address, transferType }) => address === endpointAddress && transferType === "isochronous");
    if (descriptor === undefined) throw notSelected(endpointAddress, this.info.id);
    const endpoint = new LibusbEndpoint({
      native: this.#native,
      device: this.info,
      address: endpointAddress,
      frameDuration: serviceInterval(descriptor, this.info.speed),
      packetRules: this.#options.packetRules,
      activities: this.#activities,
    });
    const before = this.#endpoints.get(endpointAddress) ?? [];
    this.#endpoints.set(endpointAddress, [...before.filter(({ isIdle }) => !isIdle), endpoint]);
    return endpoint;
  }

  close(): Observable<never> {
    return defer(() => {
      this.#closing ??= this.#last.then(async () => {
        try {
          await this.#native.close();
        } catch (error) {
          throw explain(error, this.#attempt("close"));
        } finally {
          // The addon rings no more, and what was cancelled may have come back since it last did.
          this.look();
          this.#gone.complete();
          await this.#options.closed();
        }
      });
      return from(this.#closing).pipe(ignoreElements());
    });
  }

  /** The alternate setting is given up: what is in flight there completes as cancelled. */
  #retire(interfaceNumber: number): void {
    for (const { address } of this.#selected.get(interfaceNumber)?.endpoints ?? []) {
      for (const endpoint of this.#endpoints.get(address) ?? []) endpoint.shut();
      this.#endpoints.delete(address);
    }
    this.#selected.delete(interfaceNumber);
  }

  #do(purpose: string, work: () => Promise<void>, holder?: () => string | undefined): Observable<never> {
    return this.#step(purpose, work, holder).pipe(ignoreElements());
  }

  /** A step that is not cut short by an unsubscribe: what has begun on the device is finished. */
  #step<T>(purpose: string, work: () => Promise<T>, holder?: () => string | undefined): Observable<T> {
    return defer(() => {
      this.#checkOpen();
      const step = this.#last.then(work).catch((error: unknown) => {
        const attempt = this.#attempt(purpose);
        throw explain(error, holder === undefined ? attempt : { ...attempt, holder });
      });
      this.#last = step.catch(() => undefined);
      return step;
    });
  }

  #attempt(to: string): Attempt {
    return { to, device: this.info, isGone: this.#native.gone };
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw handleClosed(this.info.id);
  }
}

function notConfigured(info: DeviceInfo, location: NativeDeviceInfo, value: number): IsochError {
  const select = configurationChoice(info, location);
  return value === 0
    ? new DeviceError(
        "not-configured",
        `${info.id} is not configured: plug it in where there is enough power for it${select}`,
      )
    : new DescriptorError(
        "bad-descriptor",
        `${info.id} is in configuration ${value}, which has no valid descriptor: use another device${select}`,
      );
}

/** How a configuration is selected by hand, where there is a way and a valid one. */
function configurationChoice({ configurations: [first] }: DeviceInfo, location: NativeDeviceInfo): string {
  if (process.platform !== "linux" || first === undefined) return "";
  return `, or select a configuration: echo ${first.value} > ${sysfsPath(location)}/bConfigurationValue`;
}
