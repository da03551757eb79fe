import { AsyncSubject, firstValueFrom, lastValueFrom, type Observable, type Subscription } from "rxjs";
import {
  DeviceError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type Direction,
  type EndpointDescriptor,
  type InterfaceDescriptor,
  type TransportDevice,
} from "../../../src/index.js";
import type {
  FullWebUsbDevice,
  WebUsbBytes,
  WebUsbConfiguration,
  WebUsbControlSetup,
  WebUsbInResult,
  WebUsbIsochInResult,
  WebUsbIsochOutResult,
  WebUsbOutResult,
} from "../usb.js";
import { toConfiguration, type InterfaceState } from "./configuration.js";
import { disconnected, exception, failed } from "./exceptions.js";
import { IsochronousCalls } from "./isochronous.js";

/** Where a {@link UsbDeviceShape} gets its device from. */
export interface DeviceSource {
  readonly info: DeviceInfo;
  readonly open: () => Observable<TransportDevice>;
  /** Gives back what `open` brought. */
  readonly close: (device: TransportDevice) => Observable<never>;
  readonly protectedClasses: boolean;
}

/** What is claimed of an interface, and selected. */
interface ClaimedInterface {
  alternate: AlternateSetting | undefined;
  /** By address: its isochronous endpoints. */
  calls: ReadonlyMap<number, IsochronousCalls>;
}

/** Classes that no page may claim, by the specification ("has a protected interface class"). */
const protectedClasses = new Set([0x01, 0x03, 0x08, 0x0b, 0x0e, 0x10, 0xe0]);
const requestTypes = ["standard", "class", "vendor"] as const;
const recipients = ["device", "interface", "endpoint", "other"] as const;
const noCalls: ReadonlyMap<number, IsochronousCalls> = new Map<number, IsochronousCalls>();

/** A `USBDevice` over a device of a transport: the state machine of the specification. */
export class UsbDeviceShape implements FullWebUsbDevice {
  readonly usbVersionMajor: number;
  readonly usbVersionMinor: number;
  readonly usbVersionSubminor: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceVersionMajor: number;
  readonly deviceVersionMinor: number;
  readonly deviceVersionSubminor: number;
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;
  readonly #source: DeviceSource;
  readonly #claimed = new Map<number, ClaimedInterface>();
  /** Interfaces that are being claimed, released or switched. */
  readonly #changing = new Set<number>();
  /** Calls that are not answered, but for those of {@link IsochronousCalls}. */
  readonly #pending = new Set<(reason: unknown) => void>();
  #configurations: WebUsbConfiguration[];
  #configurationValue: number;
  #device: TransportDevice | undefined;
  #watch: Subscription | undefined;
  /** The device itself is being opened, closed or reset. */
  #isChanging = false;
  #isGone = false;

  constructor(source: DeviceSource) {
    const { descriptor, configurations, manufacturer, product, serialNumber } = source.info;
    this.#source = source;
    [this.usbVersionMajor, this.usbVersionMinor, this.usbVersionSubminor] = digits(descriptor.usbVersion);
    [this.deviceVersionMajor, this.deviceVersionMinor, this.deviceVersionSubminor] = digits(descriptor.deviceVersion);
    this.deviceClass = descriptor.deviceClass;
    this.deviceSubclass = descriptor.deviceSubclass;
    this.deviceProtocol = descriptor.deviceProtocol;
    this.vendorId = descriptor.vendorId;
    this.productId = descriptor.productId;
    this.manufacturerName = manufacturer ?? null;
    this.productName = product ?? null;
    this.serialNumber = serialNumber ?? null;
    this.#configurations = this.#toConfigurations(configurations);
    this.#configurationValue = configurations[0]?.value ?? 0;
  }

  get opened(): boolean {
    return this.#device !== undefined;
  }

  get configuration(): WebUsbConfiguration | null {
    return this.#configurations.find((each) => each.configurationValue === this.#configurationValue) ?? null;
  }

  get configurations(): WebUsbConfiguration[] {
    return this.#configurations;
  }

  async open(): Promise<void> {
    this.#checkIdle();
    if (this.opened) return;
    await this.#change(async () => {
      const device = await firstValueFrom(this.#source.open(), { defaultValue: undefined });
      if (device === undefined) throw disconnected();
      this.#device = device;
      this.#configurationValue = device.configuration.value;
      if (this.#configurations.length === 0) this.#configurations = this.#toConfigurations(device.info.configurations);
      const leave = () => {
        this.leave();
      };
      this.#watch = device.gone.subscribe({ next: leave, error: leave });
    });
  }

  async close(): Promise<void> {
    this.#checkIdle();
    const device = this.#device;
    if (device === undefined) return;
    await this.#change(async () => {
      await this.#abortAll(exception("AbortError", "the device was closed"));
      for (const interfaceNumber of [...this.#claimed.keys()]) await this.#release(device, interfaceNumber);
      this.#watch?.unsubscribe();
      this.#device = undefined;
      await done(this.#source.close(device));
    });
  }

  /** There is nothing that could be forgotten: no permission was asked for. */
  async forget(): Promise<void> {
    await this.close();
  }

  async selectConfiguration(configurationValue: number): Promise<void> {
    this.#checkConnected();
    if (!this.#configurations.some((each) => each.configurationValue === configurationValue)) {
      throw exception("NotFoundError", `the device has no configuration ${configurationValue}`);
    }
    const device = this.#checkOpen();
    if (configurationValue !== device.configuration.value) {
      throw exception("NotSupportedError", "the transport keeps the configuration that the system selected");
    }
    await this.#change(async () => {
      await this.#abortAll(exception("AbortError", "a configuration was selected"));
      for (const interfaceNumber of [...this.#claimed.keys()]) await this.#release(device, interfaceNumber);
    });
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    const device = this.#checkConfigured();
    const found = this.#interface(device, interfaceNumber);
    this.#checkStill(interfaceNumber);
    if (this.#claimed.has(interfaceNumber)) return;
    const isProtected = found.alternates.some(({ interfaceClass }) => protectedClasses.has(interfaceClass));
    if (this.#source.protectedClasses && isProtected) {
      throw exception("SecurityError", "the interface is of a protected class");
    }
    await this.#changeInterface(interfaceNumber, "the interface cannot be claimed", async () => {
      await done(device.claimInterface(interfaceNumber));
      const alternate = found.alternates.find(({ alternateSetting }) => alternateSetting === 0);
      this.#claimed.set(interfaceNumber, { alternate, calls: this.#openCalls(device, alternate) });
    });
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    const device = this.#checkConfigured();
    this.#interface(device, interfaceNumber);
    this.#checkStill(interfaceNumber);
    if (!this.#claimed.has(interfaceNumber)) return;
    await this.#changeInterface(interfaceNumber, "the interface cannot be released", async () => {
      await this.#abort(interfaceNumber, exception("AbortError", "the interface was released"));
      await this.#release(device, interfaceNumber);
    });
  }

  async selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void> {
    const device = this.#checkConfigured();
    const found = this.#interface(device, interfaceNumber);
    this.#checkStill(interfaceNumber);
    const claimed = this.#claimed.get(interfaceNumber);
    if (claimed === undefined) throw exception("InvalidStateError", "the interface is not claimed");
    const alternate = found.alternates.find((each) => each.alternateSetting === alternateSetting);
    if (alternate === undefined) {
      throw exception("NotFoundError", `the interface has no alternate setting ${alternateSetting}`);
    }
    await this.#changeInterface(interfaceNumber, "the alternate setting cannot be selected", async () => {
      await this.#abort(interfaceNumber, exception("AbortError", "another alternate setting was selected"));
      claimed.calls = noCalls;
      await done(device.selectAlternate(interfaceNumber, alternateSetting));
      claimed.alternate = alternate;
      claimed.calls = this.#openCalls(device, alternate);
    });
  }

  async controlTransferIn(setup: WebUsbControlSetup, length: number): Promise<WebUsbInResult> {
    const device = this.#checkControl(setup);
    const bytes = await this.#control(device, { ...toSetup(setup), direction: "in" }, length & 0xffff);
    if (bytes === undefined) return { status: "stall" };
    return { data: new DataView(bytes.slice().buffer), status: "ok" };
  }

  async controlTransferOut(setup: WebUsbControlSetup, data?: WebUsbBytes): Promise<WebUsbOutResult> {
    const device = this.#checkControl(setup);
    const bytes = data === undefined ? new Uint8Array(0) : copyOf(data);
    const answer = await this.#control(device, { ...toSetup(setup), direction: "out" }, bytes);
    return answer === undefined ? { bytesWritten: 0, status: "stall" } : { bytesWritten: bytes.length, status: "ok" };
  }

  async clearHalt(direction: "in" | "out", endpointNumber: number): Promise<void> {
    const device = this.#checkConfigured();
    const address = addressOf(direction, endpointNumber);
    this.#endpoint(address);
    await this.#call("the halt cannot be cleared", () => done(device.clearHalt(address)));
  }

  transferIn(endpointNumber: number): Promise<WebUsbInResult> {
    return this.#noBulk("in", endpointNumber);
  }

  transferOut(endpointNumber: number): Promise<WebUsbOutResult> {
    return this.#noBulk("out", endpointNumber);
  }

  async isochronousTransferIn(endpointNumber: number, packetLengths: number[]): Promise<WebUsbIsochInResult> {
    const calls = this.#calls("in", endpointNumber);
    if (packetLengths.length === 0) return { data: new DataView(new ArrayBuffer(0)), packets: [] };
    return calls.receive(Uint32Array.from(packetLengths));
  }

  async isochronousTransferOut(
    endpointNumber: number,
    data: WebUsbBytes,
    packetLengths: number[],
  ): Promise<WebUsbIsochOutResult> {
    const calls = this.#calls("out", endpointNumber);
    const lengths = Uint32Array.from(packetLengths);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (total !== data.byteLength) {
      throw exception("DataError", `the packets have ${total} bytes, and the data ${data.byteLength}`);
    }
    if (lengths.length === 0) return { packets: [] };
    return calls.send(copyOf(data), lengths);
  }

  async reset(): Promise<void> {
    const device = this.#checkConfigured();
    this.#checkIdle();
    await this.#change(async () => {
      await this.#abortAll(exception("AbortError", "the device was reset"));
      await done(device.reset());
      for (const [interfaceNumber, claimed] of this.#claimed) {
        const alternates = this.#interface(device, interfaceNumber).alternates;
        claimed.alternate = alternates.find(({ alternateSetting }) => alternateSetting === 0);
        await done(device.selectAlternate(interfaceNumber, 0));
        claimed.calls = this.#openCalls(device, claimed.alternate);
      }
    });
  }

  /** It was unplugged: whatever was asked of it has failed. */
  leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    void this.#abortAll(disconnected());
    const device = this.#device;
    this.#device = undefined;
    this.#claimed.clear();
    this.#watch?.unsubscribe();
    if (device !== undefined) this.#source.close(device).subscribe({ error: () => undefined });
  }

  /** "Check if the device is configured" */
  #checkConfigured(): TransportDevice {
    this.#checkConnected();
    const device = this.#checkOpen();
    if (this.#isChanging) throw exception("InvalidStateError", "the device is being opened, closed or reset");
    return device;
  }

  #checkConnected(): void {
    if (this.#isGone) throw disconnected();
  }

  #checkOpen(): TransportDevice {
    if (this.#device === undefined) throw exception("InvalidStateError", "the device is not open");
    return this.#device;
  }

  /** As Chromium has it: one change at a time. */
  #checkIdle(): void {
    this.#checkConnected();
    if (this.#isChanging || this.#changing.size > 0) {
      throw exception("InvalidStateError", "the device, or an interface of it, is being changed");
    }
  }

  #checkStill(interfaceNumber: number): void {
    if (!this.#changing.has(interfaceNumber)) return;
    throw exception("InvalidStateError", "the interface is being changed");
  }

  /** "Check the validity of the control transfer parameters" */
  #checkControl({ requestType, recipient, index }: WebUsbControlSetup): TransportDevice {
    if (!requestTypes.includes(requestType)) throw new TypeError("requestType is not one of USBRequestType");
    if (!recipients.includes(recipient)) throw new TypeError("recipient is not one of USBRecipient");
    const device = this.#checkConfigured();
    this.#checkIdle();
    if (recipient === "interface") {
      const { number } = this.#interface(device, index & 0xff);
      if (!this.#claimed.has(number)) throw exception("InvalidStateError", "the interface is not claimed");
    }
    if (recipient === "endpoint") this.#endpoint(index & 0x8f);
    return device;
  }

  #noBulk(direction: Direction, endpointNumber: number): Promise<never> {
    return new Promise(() => {
      this.#checkConfigured();
      const { transferType } = this.#endpoint(addressOf(direction, endpointNumber));
      if (transferType === "isochronous") throw exception("InvalidAccessError", "the endpoint is isochronous");
      throw exception("NotSupportedError", "no transport has bulk or interrupt transfers");
    });
  }

  #calls(direction: Direction, endpointNumber: number): IsochronousCalls {
    this.#checkConfigured();
    const address = addressOf(direction, endpointNumber);
    const { transferType } = this.#endpoint(address);
    if (transferType !== "isochronous") throw exception("InvalidAccessError", `the endpoint is a ${transferType} one`);
    for (const { calls } of this.#claimed.values()) {
      const found = calls.get(address);
      if (found !== undefined) return found;
    }
    throw exception("NotFoundError", "the interface of the endpoint is being changed");
  }

  /** "Find the endpoint": of claimed interfaces, in their selected alternate settings. */
  #endpoint(address: number): EndpointDescriptor {
    for (const { alternate } of this.#claimed.values()) {
      const found = alternate?.endpoints.find((each) => each.address === address);
      if (found !== undefined) return found;
    }
    throw noEndpoint();
  }

  #interface({ configuration }: TransportDevice, interfaceNumber: number): InterfaceDescriptor {
    const found = configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found === undefined) throw exception("NotFoundError", `the device has no interface ${interfaceNumber}`);
    return found;
  }

  #openCalls(device: TransportDevice, alternate: AlternateSetting | undefined): ReadonlyMap<number, IsochronousCalls> {
    const endpoints = alternate?.endpoints.filter(({ transferType }) => transferType === "isochronous") ?? [];
    return new Map(
      endpoints.map((endpoint) => [
        endpoint.address,
        new IsochronousCalls(device.openEndpoint(endpoint.address), endpoint, device.info.speed),
      ]),
    );
  }

  /** `undefined` for a STALL. */
  async #control(
    device: TransportDevice,
    setup: ControlSetup,
    data: number | Uint8Array,
  ): Promise<Uint8Array | undefined> {
    return this.#call("the control transfer failed", async () => {
      try {
        return await lastValueFrom(device.controlTransfer(setup, data), { defaultValue: new Uint8Array(0) });
      } catch (error) {
        if (DeviceError.is(error) && error.code === "control-stalled") return undefined;
        throw error;
      }
    });
  }

  async #release(device: TransportDevice, interfaceNumber: number): Promise<void> {
    const claimed = this.#claimed.get(interfaceNumber);
    this.#claimed.delete(interfaceNumber);
    if ((claimed?.alternate?.alternateSetting ?? 0) !== 0) await done(device.selectAlternate(interfaceNumber, 0));
    await done(device.releaseInterface(interfaceNumber));
  }

  async #abort(interfaceNumber: number, reason: DOMException): Promise<void> {
    const { calls = noCalls } = this.#claimed.get(interfaceNumber) ?? {};
    await Promise.all([...calls.values()].map((each) => each.abort(reason)));
  }

  async #abortAll(reason: DOMException): Promise<void> {
    for (const reject of this.#pending) reject(reason);
    await Promise.all([...this.#claimed.keys()].map((interfaceNumber) => this.#abort(interfaceNumber, reason)));
  }

  async #change(work: () => Promise<void>): Promise<void> {
    this.#isChanging = true;
    try {
      await work();
    } catch (error) {
      throw failed("the device cannot be opened, closed or reset", error);
    } finally {
      this.#isChanging = false;
    }
    this.#checkConnected();
  }

  async #changeInterface(interfaceNumber: number, what: string, work: () => Promise<void>): Promise<void> {
    this.#changing.add(interfaceNumber);
    try {
      await this.#call(what, work);
    } finally {
      this.#changing.delete(interfaceNumber);
    }
  }

  /** A call that a close, a reset or an unplug can abort. */
  #call<T>(what: string, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#pending.add(reject);
      void work()
        .then(resolve, (error: unknown) => {
          reject(failed(what, error));
        })
        .finally(() => {
          this.#pending.delete(reject);
        });
    });
  }

  #toConfigurations(configurations: readonly ConfigurationDescriptor[]): WebUsbConfiguration[] {
    return configurations.map((each) =>
      toConfiguration(each, this.#source.info.speed, (interfaceNumber) => this.#stateOf(each.value, interfaceNumber)),
    );
  }

  #stateOf(configurationValue: number, interfaceNumber: number): InterfaceState {
    const claimed = configurationValue === this.#configurationValue ? this.#claimed.get(interfaceNumber) : undefined;
    return { claimed: claimed !== undefined, alternateSetting: claimed?.alternate?.alternateSetting ?? 0 };
  }
}

/** 0xJJMN: version JJ.M.N. */
function digits(bcd: number): [number, number, number] {
  return [bcd >> 8, (bcd >> 4) & 0xf, bcd & 0xf];
}

function toSetup({
  requestType,
  recipient,
  request,
  value,
  index,
}: WebUsbControlSetup): Omit<ControlSetup, "direction"> {
  return { type: requestType, recipient, request: request & 0xff, value: value & 0xffff, index: index & 0xffff };
}

/** An endpoint is named by its number, 1 to 15; an address (0x81) names none. */
function addressOf(direction: Direction, endpointNumber: number): number {
  if (endpointNumber < 1 || endpointNumber > 15) throw noEndpoint();
  return direction === "in" ? endpointNumber | 0x80 : endpointNumber;
}

function noEndpoint(): DOMException {
  return exception(
    "NotFoundError",
    "the endpoint is not part of a claimed interface and its selected alternate setting",
  );
}

function copyOf(data: WebUsbBytes): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
    : new Uint8Array(data).slice();
}

async function done(step: Observable<never>): Promise<void> {
  const end = new AsyncSubject<never>();
  step.subscribe(end);
  await lastValueFrom(end, { defaultValue: undefined });
}
