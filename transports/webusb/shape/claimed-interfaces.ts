import type {
  AlternateSetting,
  Direction,
  EndpointDescriptor,
  InterfaceDescriptor,
  TransportDevice,
} from "../../../src/index.js";
import { done } from "./done.js";
import { exception } from "./exceptions.js";
import { IsochronousCalls } from "./isochronous.js";

/** What is selected of an interface that is claimed. */
interface ClaimedInterface {
  alternate: AlternateSetting | undefined;
  /** By address: its isochronous endpoints. */
  calls: ReadonlyMap<number, IsochronousCalls>;
}

const noCalls: ReadonlyMap<number, IsochronousCalls> = new Map<number, IsochronousCalls>();

/** The interfaces of a device that is open: which are claimed, and the endpoints of what is selected there. */
export class ClaimedInterfaces {
  readonly #device: TransportDevice;
  readonly #claimed = new Map<number, ClaimedInterface>();

  constructor(device: TransportDevice) {
    this.#device = device;
  }

  has(interfaceNumber: number): boolean {
    return this.#claimed.has(interfaceNumber);
  }

  /** The alternate setting that is selected; `undefined` where the interface is not claimed. */
  alternateSetting(interfaceNumber: number): number | undefined {
    const claimed = this.#claimed.get(interfaceNumber);
    return claimed === undefined ? undefined : (claimed.alternate?.alternateSetting ?? 0);
  }

  /** None is claimed any more: the device is gone. */
  forget(): void {
    this.#claimed.clear();
  }

  /** @throws InvalidStateError */
  checkClaimed(interfaceNumber: number): void {
    this.#get(interfaceNumber);
  }

  /**
   * An interface, claimed or not.
   *
   * @throws NotFoundError
   */
  descriptor(interfaceNumber: number): InterfaceDescriptor {
    const found = this.#device.configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found === undefined) throw exception("NotFoundError", `the device has no interface ${interfaceNumber}`);
    return found;
  }

  /**
   * "Find the endpoint": of claimed interfaces, in their selected alternate settings. It is named by its number,
   * 1 to 15; an address (0x81) names none.
   *
   * @throws NotFoundError
   */
  endpoint(direction: Direction, endpointNumber: number): EndpointDescriptor {
    if (endpointNumber < 1 || endpointNumber > 15) throw noEndpoint();
    return this.endpointAt(direction === "in" ? endpointNumber | 0x80 : endpointNumber);
  }

  /** @throws NotFoundError */
  endpointAt(address: number): EndpointDescriptor {
    for (const { alternate } of this.#claimed.values()) {
      const found = alternate?.endpoints.find((each) => each.address === address);
      if (found !== undefined) return found;
    }
    throw noEndpoint();
  }

  /** @throws NotFoundError, InvalidAccessError */
  calls(direction: Direction, endpointNumber: number): IsochronousCalls {
    const { address, transferType } = this.endpoint(direction, endpointNumber);
    if (transferType !== "isochronous") throw exception("InvalidAccessError", `the endpoint is a ${transferType} one`);
    for (const { calls } of this.#claimed.values()) {
      const found = calls.get(address);
      if (found !== undefined) return found;
    }
    throw exception("NotFoundError", "the interface of the endpoint is being changed");
  }

  async claim({ number, alternates }: InterfaceDescriptor): Promise<void> {
    await done(this.#device.claimInterface(number));
    const alternate = firstOf(alternates);
    this.#claimed.set(number, { alternate, calls: this.#openCalls(alternate) });
  }

  /** Selects an alternate setting of an interface that is claimed. What is in flight there is aborted. */
  async select(alternate: AlternateSetting): Promise<void> {
    const { interfaceNumber, alternateSetting } = alternate;
    const claimed = this.#get(interfaceNumber);
    await abortCalls(claimed, exception("AbortError", "another alternate setting was selected"));
    claimed.calls = noCalls;
    await done(this.#device.selectAlternate(interfaceNumber, alternateSetting));
    claimed.alternate = alternate;
    claimed.calls = this.#openCalls(alternate);
  }

  /** Releases an interface that is claimed. What is in flight there is aborted. */
  async release(interfaceNumber: number): Promise<void> {
    await abortCalls(this.#get(interfaceNumber), exception("AbortError", "the interface was released"));
    await this.#giveBack(interfaceNumber);
  }

  /** Releases all of them, of which nothing is in flight. */
  async releaseAll(): Promise<void> {
    for (const interfaceNumber of [...this.#claimed.keys()]) await this.#giveBack(interfaceNumber);
  }

  /** Resets the device, of which nothing is in flight. What is claimed stays so, in alternate setting 0. */
  async reset(): Promise<void> {
    await done(this.#device.reset());
    for (const [interfaceNumber, claimed] of this.#claimed) {
      claimed.alternate = firstOf(this.descriptor(interfaceNumber).alternates);
      await done(this.#device.selectAlternate(interfaceNumber, 0));
      claimed.calls = this.#openCalls(claimed.alternate);
    }
  }

  /** Rejects what is in flight on every endpoint, and resolves when nothing of it is. */
  async abort(reason: DOMException): Promise<void> {
    await Promise.all([...this.#claimed.values()].map((claimed) => abortCalls(claimed, reason)));
  }

  #get(interfaceNumber: number): ClaimedInterface {
    const claimed = this.#claimed.get(interfaceNumber);
    if (claimed === undefined) throw exception("InvalidStateError", "the interface is not claimed");
    return claimed;
  }

  async #giveBack(interfaceNumber: number): Promise<void> {
    const claimed = this.#claimed.get(interfaceNumber);
    this.#claimed.delete(interfaceNumber);
    if ((claimed?.alternate?.alternateSetting ?? 0) !== 0) await done(this.#device.selectAlternate(interfaceNumber, 0));
    await done(this.#device.releaseInterface(interfaceNumber));
  }

  #openCalls(alternate: AlternateSetting | undefined): ReadonlyMap<number, IsochronousCalls> {
    const endpoints = alternate?.endpoints.filter(({ transferType }) => transferType === "isochronous") ?? [];
    return new Map(
      endpoints.map((endpoint) => [
        endpoint.address,
        new IsochronousCalls(this.#device.openEndpoint(endpoint.address), endpoint, this.#device.info.speed),
      ]),
    );
  }
}

async function abortCalls({ calls }: ClaimedInterface, reason: DOMException): Promise<void> {
  await Promise.all([...calls.values()].map((each) => each.abort(reason)));
}

function firstOf(alternates: readonly AlternateSetting[]): AlternateSetting | undefined {
  return alternates.find(({ alternateSetting }) => alternateSetting === 0);
}

function noEndpoint(): DOMException {
  return exception(
    "NotFoundError",
    "the endpoint is not part of a claimed interface and its selected alternate setting",
  );
}
