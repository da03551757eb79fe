import { serviceInterval, type AlternateSetting, type IsochError, type Speed } from "../../src/index.js";
import { notSelected } from "../../src/device-errors.js";
import { HandleClaims } from "../../src/handle-claims.js";
import { WebUsbIsochEndpoint } from "./endpoint.js";
import { defaultFramesPerCall } from "./frames-per-call.js";
import type { Presence } from "./presence.js";
import type { Session } from "./session.js";
import type { WebUsbDevice, WebUsbInterface } from "./usb.js";

/** How an endpoint is opened. */
export interface EndpointPlan {
  readonly speed: Speed;
  /** Frames in a call, at most; `undefined` for what suits the endpoint. */
  readonly framesPerCall: number | undefined;
}

/** What the interfaces of a device are part of. */
export interface InterfacesContext {
  readonly usb: WebUsbDevice;
  readonly id: string;
  readonly session: Session;
  readonly presence: Presence;
}

/**
 * The interfaces of a USBDevice that is open: which handle has which, what is selected there, and its endpoints. To
 * the browser, all claims are those of the page.
 */
export class SharedInterfaces {
  readonly #context: InterfacesContext;
  readonly #claims: HandleClaims;
  /** What the page had claimed before: it keeps it, in this alternate setting. */
  readonly #kept = new Map<number, number>();
  /** By interface. */
  readonly #selected = new Map<number, AlternateSetting>();
  /** Those of the selected alternate settings, by address: the last, and those before it that are not idle. */
  readonly #endpoints = new Map<number, readonly WebUsbIsochEndpoint[]>();

  constructor(context: InterfacesContext) {
    this.#context = context;
    this.#claims = new HandleClaims(context.id);
  }

  /** Those that a handle has claimed. */
  of(user: object): readonly number[] {
    return this.#claims.of(user);
  }

  async claim(interfaceNumber: number, user: object): Promise<void> {
    this.#claims.check(interfaceNumber, user);
    const { claimed = false, alternate } = this.#known(interfaceNumber) ?? {};
    await this.#context.usb.claimInterface(interfaceNumber);
    // Claimed once more by the same user: what the page had is what it had at first.
    if (this.#claims.has(interfaceNumber, user)) return;
    this.#claims.claim(interfaceNumber, user);
    if (claimed) this.#kept.set(interfaceNumber, alternate?.alternateSetting ?? 0);
  }

  /** The interface goes back to alternate setting 0, as the specification has it, or to what the page had. */
  async release(interfaceNumber: number, user: object): Promise<void> {
    const { usb, session } = this.#context;
    if (!this.#claims.has(interfaceNumber, user)) return;
    const kept = this.#kept.get(interfaceNumber);
    this.#claims.release(interfaceNumber);
    this.#kept.delete(interfaceNumber);
    const before = kept ?? 0;
    const { alternateSetting = before } = this.#selected.get(interfaceNumber) ?? {};
    const draining = this.#retire(interfaceNumber);
    // Browsers count a released one as back at 0, and leave the device where it was.
    if (alternateSetting !== before) {
      await session.whileOpen(() => usb.selectAlternateInterface(interfaceNumber, before)).catch(() => undefined);
    }
    if (kept === undefined) await session.whileOpen(() => usb.releaseInterface(interfaceNumber));
    await draining;
  }

  /** What is in flight on the endpoints of the interface completes first, as far as it can. */
  async select(alternate: AlternateSetting, user: object): Promise<void> {
    const { usb, session } = this.#context;
    const { interfaceNumber, alternateSetting } = alternate;
    this.#claims.check(interfaceNumber, user);
    const draining = this.#retire(interfaceNumber);
    const select = () => usb.selectAlternateInterface(interfaceNumber, alternateSetting);
    // To setting 0, which has no stream, is a way to give it back.
    await (alternateSetting === 0 ? session.whileOpen(select) : select());
    this.#selected.set(interfaceNumber, alternate);
    await draining;
  }

  /** Resets the device. What is in flight completes first. Claims are made anew, as some systems forget them. */
  async reset(): Promise<void> {
    const { usb, session } = this.#context;
    const draining = [...this.#selected.keys()].map((interfaceNumber) => this.#retire(interfaceNumber));
    await session.reset();
    for (const interfaceNumber of this.#claims.interfaces) {
      // Linux has given it up, and refuses to do it again.
      await usb.releaseInterface(interfaceNumber).catch(() => undefined);
      await usb.claimInterface(interfaceNumber);
    }
    await Promise.all(draining);
  }

  /** @throws {@link EndpointError} `not-in-alternate`; {@link BusyError} `interface-busy` */
  openEndpoint(address: number, user: object, { speed, framesPerCall }: EndpointPlan): WebUsbIsochEndpoint {
    const { usb, id, presence } = this.#context;
    const place = [...this.#selected.values()]
      .flatMap(({ interfaceNumber, endpoints }) => endpoints.map((descriptor) => ({ interfaceNumber, descriptor })))
      .find(({ descriptor }) => descriptor.address === address && descriptor.transferType === "isochronous");
    if (place === undefined) throw notSelected(address, id);
    this.#claims.check(place.interfaceNumber, user);
    const frameDuration = serviceInterval(place.descriptor, speed);
    const endpoint = new WebUsbIsochEndpoint({
      usb,
      id,
      address,
      direction: place.descriptor.direction,
      frameDuration,
      batch: framesPerCall ?? defaultFramesPerCall(frameDuration),
      checkPresent: () => presence.ask(),
    });
    const before = this.#endpoints.get(address) ?? [];
    this.#endpoints.set(address, [...before.filter(({ isIdle }) => !isIdle), endpoint]);
    return endpoint;
  }

  /** Whatever is in flight completes with that, now. */
  fail(error: IsochError): void {
    for (const endpoint of [...this.#endpoints.values()].flat()) endpoint.fail(error);
  }

  /** Nobody uses the device any more. */
  forget(): void {
    this.#claims.releaseAll();
    this.#kept.clear();
    this.#selected.clear();
    this.#endpoints.clear();
  }

  /** What the browser knows of it. */
  #known(interfaceNumber: number): WebUsbInterface | undefined {
    const { configuration } = this.#context.usb;
    return configuration?.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
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
}
