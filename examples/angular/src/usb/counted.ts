import type { IsochTransport, TransportDevice } from "rx-isoch";
import { finalize, map, tap, type Observable } from "rxjs";

/** What is held of transports: devices that are open, and subscriptions. None once all streams are stopped. */
export class LiveCount {
  #live = 0;

  get live(): number {
    return this.#live;
  }

  /** The transport, with what is held of it counted. */
  counted(transport: IsochTransport): IsochTransport {
    return {
      name: transport.name,
      capabilities: transport.capabilities,
      devices: () => this.#whileSubscribed(transport.devices()),
      open: (selector) =>
        this.#whileSubscribed(transport.open(selector)).pipe(map((device) => this.#whileOpen(device))),
    };
  }

  #whileSubscribed<T>(source: Observable<T>): Observable<T> {
    return source.pipe(tap({ subscribe: () => void this.#live++, finalize: () => void this.#live-- }));
  }

  #whileOpen(device: TransportDevice): TransportDevice {
    this.#live++;
    return {
      info: device.info,
      configuration: device.configuration,
      gone: device.gone,
      controlTransfer: (setup, data) => device.controlTransfer(setup, data),
      claimInterface: (number) => device.claimInterface(number),
      releaseInterface: (number) => device.releaseInterface(number),
      selectAlternate: (number, alternate) => device.selectAlternate(number, alternate),
      clearHalt: (address) => device.clearHalt(address),
      reset: () => device.reset(),
      openEndpoint: (address) => device.openEndpoint(address),
      close: () => device.close().pipe(finalize(() => void this.#live--)),
    };
  }
}
