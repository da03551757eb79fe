import { firstValueFrom, type Observable, type Subscription } from "rxjs";
import type {
  ConfigurationDescriptor,
  ControlSetup,
  DeviceInfo,
  Direction,
  TransportDevice,
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
import { Changes } from "./changes.js";
import { ClaimedInterfaces } from "./claimed-interfaces.js";
import { toConfiguration, type InterfaceState } from "./configuration.js";
import { controlTransfer, toControlSetup } from "./control.js";
import { DescribedDevice } from "./described-device.js";
import { done } from "./done.js";
import { disconnected, exception, failed } from "./exceptions.js";
import { PendingCalls } from "./pending-calls.js";
import { isProtected } from "./protected-classes.js";

/** Where a {@link UsbDeviceShape} gets its device from. */
export interface DeviceSource {
  readonly info: DeviceInfo;
  readonly open: () => Observable<TransportDevice>;
  /** Gives back what `open` brought. */
  readonly close: (device: TransportDevice) => Observable<never>;
  readonly protectedClasses: boolean;
}

/** From `open` to `close`. */
interface Session {
  readonly device: TransportDevice;
  readonly interfaces: ClaimedInterfaces;
}

/** A `USBDevice` over a device of a transport: the state machine of the specification. */
export class UsbDeviceShape extends DescribedDevice implements FullWebUsbDevice {
  readonly #source: DeviceSource;
  readonly #changes = new Changes();
  /** But for those of isochronous transfers, which belong to their endpoints. */
  readonly #pending = new PendingCalls();
  #configurations: WebUsbConfiguration[];
  #configurationValue: number;
  #session: Session | undefined;
  #watch: Subscription | undefined;
  #isGone = false;

  constructor(source: DeviceSource) {
    super(source.info);
    const { configurations } = source.info;
    this.#source = source;
    this.#configurations = this.#toConfigurations(configurations);
    this.#configurationValue = configurations[0]?.value ?? 0;
  }

  get opened(): boolean {
    return this.#session !== undefined;
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
      this.#session = { device, interfaces: new ClaimedInterfaces(device) };
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
    const session = this.#session;
    if (session === undefined) return;
    await this.#change(async () => {
      await this.#abortAll(session, exception("AbortError", "the device was closed"));
      await session.interfaces.releaseAll();
      this.#watch?.unsubscribe();
      this.#session = undefined;
      await done(this.#source.close(session.device));
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
    const session = this.#checkOpen();
    if (configurationValue !== session.device.configuration.value) {
      throw exception("NotSupportedError", "the transport keeps the configuration that the system selected");
    }
    await this.#change(async () => {
      await this.#abortAll(session, exception("AbortError", "a configuration was selected"));
      await session.interfaces.releaseAll();
    });
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    const { interfaces } = this.#checkConfigured();
    const descriptor = interfaces.descriptor(interfaceNumber);
    this.#changes.checkInterface(interfaceNumber);
    if (interfaces.has(interfaceNumber)) return;
    if (this.#source.protectedClasses && isProtected(descriptor)) {
      throw exception("SecurityError", "the interface is of a protected class");
    }
    await this.#changeInterface(interfaceNumber, "the interface cannot be claimed", () => interfaces.claim(descriptor));
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    const { interfaces } = this.#checkConfigured();
    interfaces.descriptor(interfaceNumber);
    this.#changes.checkInterface(interfaceNumber);
    if (!interfaces.has(interfaceNumber)) return;
    await this.#changeInterface(interfaceNumber, "the interface cannot be released", () =>
      interfaces.release(interfaceNumber),
    );
  }

  async selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void> {
    const { interfaces } = this.#checkConfigured();
    const { alternates } = interfaces.descriptor(interfaceNumber);
    this.#changes.checkInterface(interfaceNumber);
    interfaces.checkClaimed(interfaceNumber);
    const alternate = alternates.find((each) => each.alternateSetting === alternateSetting);
    if (alternate === undefined) {
      throw exception("NotFoundError", `the interface has no alternate setting ${alternateSetting}`);
    }
    await this.#changeInterface(interfaceNumber, "the alternate setting cannot be selected", () =>
      interfaces.select(alternate),
    );
  }

  async controlTransferIn(parameters: WebUsbControlSetup, length: number): Promise<WebUsbInResult> {
    const bytes = await this.#control(toControlSetup(parameters, "in"), length & 0xffff);
    if (bytes === undefined) return { status: "stall" };
    return { data: new DataView(bytes.slice().buffer), status: "ok" };
  }

  async controlTransferOut(parameters: WebUsbControlSetup, data?: WebUsbBytes): Promise<WebUsbOutResult> {
    const setup = toControlSetup(parameters, "out");
    const bytes = data === undefined ? new Uint8Array(0) : copyOf(data);
    const answer = await this.#control(setup, bytes);
    return answer === undefined ? { bytesWritten: 0, status: "stall" } : { bytesWritten: bytes.length, status: "ok" };
  }

  async clearHalt(direction: Direction, endpointNumber: number): Promise<void> {
    const { device, interfaces } = this.#checkConfigured();
    const { address } = interfaces.endpoint(direction, endpointNumber);
    await this.#pending.run("the halt cannot be cleared", () => done(device.clearHalt(address)));
  }

  transferIn(endpointNumber: number): Promise<WebUsbInResult> {
    return this.#noBulk("in", endpointNumber);
  }

  transferOut(endpointNumber: number): Promise<WebUsbOutResult> {
    return this.#noBulk("out", endpointNumber);
  }

  async isochronousTransferIn(endpointNumber: number, packetLengths: number[]): Promise<WebUsbIsochInResult> {
    const calls = this.#checkConfigured().interfaces.calls("in", endpointNumber);
    if (packetLengths.length === 0) return { data: new DataView(new ArrayBuffer(0)), packets: [] };
    return calls.receive(Uint32Array.from(packetLengths));
  }

  async isochronousTransferOut(
    endpointNumber: number,
    data: WebUsbBytes,
    packetLengths: number[],
  ): Promise<WebUsbIsochOutResult> {
    const calls = this.#checkConfigured().interfaces.calls("out", endpointNumber);
    const lengths = Uint32Array.from(packetLengths);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (total !== data.byteLength) {
      throw exception("DataError", `the packets have ${total} bytes, and the data ${data.byteLength}`);
    }
    if (lengths.length === 0) return { packets: [] };
    return calls.send(copyOf(data), lengths);
  }

  async reset(): Promise<void> {
    const session = this.#checkConfigured();
    this.#checkIdle();
    await this.#change(async () => {
      await this.#abortAll(session, exception("AbortError", "the device was reset"));
      await session.interfaces.reset();
    });
  }

  /** It was unplugged: whatever was asked of it has failed. */
  leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const session = this.#session;
    this.#session = undefined;
    this.#watch?.unsubscribe();
    if (session === undefined) return;
    void this.#abortAll(session, disconnected());
    session.interfaces.forget();
    this.#source.close(session.device).subscribe({ error: () => undefined });
  }

  /** "Check if the device is configured" */
  #checkConfigured(): Session {
    this.#checkConnected();
    const session = this.#checkOpen();
    this.#changes.checkDevice();
    return session;
  }

  #checkConnected(): void {
    if (this.#isGone) throw disconnected();
  }

  #checkOpen(): Session {
    if (this.#session === undefined) throw exception("InvalidStateError", "the device is not open");
    return this.#session;
  }

  #checkIdle(): void {
    this.#checkConnected();
    this.#changes.checkNone();
  }

  /** What is left of "check the validity of the control transfer parameters". */
  #checkRecipient({ interfaces }: Session, { recipient, index }: ControlSetup): void {
    if (recipient === "interface") {
      const { number } = interfaces.descriptor(index & 0xff);
      interfaces.checkClaimed(number);
    }
    if (recipient === "endpoint") interfaces.endpointAt(index & 0x8f);
  }

  #noBulk(direction: Direction, endpointNumber: number): Promise<never> {
    return new Promise(() => {
      const { transferType } = this.#checkConfigured().interfaces.endpoint(direction, endpointNumber);
      if (transferType === "isochronous") throw exception("InvalidAccessError", "the endpoint is isochronous");
      throw exception("NotSupportedError", "no transport has bulk or interrupt transfers");
    });
  }

  /** `undefined` for a STALL. */
  async #control(setup: ControlSetup, data: number | Uint8Array): Promise<Uint8Array | undefined> {
    const session = this.#checkConfigured();
    this.#checkIdle();
    this.#checkRecipient(session, setup);
    return this.#pending.run("the control transfer failed", () => controlTransfer(session.device, setup, data));
  }

  /** Rejects everything that is not answered, and resolves when no isochronous transfer is in flight. */
  async #abortAll({ interfaces }: Session, reason: DOMException): Promise<void> {
    this.#pending.abort(reason);
    await interfaces.abort(reason);
  }

  async #change(work: () => Promise<void>): Promise<void> {
    try {
      await this.#changes.ofDevice(work);
    } catch (error) {
      throw failed("the device cannot be opened, closed or reset", error);
    }
    this.#checkConnected();
  }

  async #changeInterface(interfaceNumber: number, what: string, work: () => Promise<void>): Promise<void> {
    await this.#changes.ofInterface(interfaceNumber, () => this.#pending.run(what, work));
  }

  #toConfigurations(configurations: readonly ConfigurationDescriptor[]): WebUsbConfiguration[] {
    return configurations.map((each) =>
      toConfiguration(each, this.#source.info.speed, (interfaceNumber) => this.#stateOf(each.value, interfaceNumber)),
    );
  }

  #stateOf(configurationValue: number, interfaceNumber: number): InterfaceState {
    const isSelected = configurationValue === this.#configurationValue;
    const alternateSetting = isSelected ? this.#session?.interfaces.alternateSetting(interfaceNumber) : undefined;
    return { claimed: alternateSetting !== undefined, alternateSetting: alternateSetting ?? 0 };
  }
}

function copyOf(data: WebUsbBytes): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
    : new Uint8Array(data).slice();
}
