import { defer, tap, type Observable } from "rxjs";
import {
  findIsochEndpoint,
  serviceInterval,
  type ControlSetup,
  type TransportDevice,
  type TransportEndpoint,
} from "../../../src/index.js";
import { requests } from "../format/setup.js";
import { ControlEvents } from "./control-events.js";
import { RecordedEndpoint } from "./recorded-endpoint.js";
import type { DeviceAddress, Recorder } from "./recorder.js";

const noData = new Uint8Array(0);

/**
 * A device that tells a recorder what goes over it.
 *
 * @param closed called when it was closed
 */
export function recordedDevice(
  inner: TransportDevice,
  recorder: Recorder,
  address: DeviceAddress,
  closed: () => void,
): TransportDevice {
  /** By interface, what is not 0. */
  const alternates = new Map<number, number>();
  const transfer = <T>(setup: ControlSetup, data: number | Uint8Array, work: () => Observable<T>) =>
    defer(() => {
      const events = new ControlEvents(address, recorder.nextId(), setup, data);
      recorder.write(() => events.submission(recorder.now()));
      let isTold = false;
      const completed = (answer: Uint8Array) => {
        if (isTold) return;
        isTold = true;
        recorder.write(() => events.completion(recorder.now(), answer));
      };
      return work().pipe(
        tap({
          // Who takes the answer may leave before it completes.
          next: (value) => {
            if (value instanceof Uint8Array) completed(value);
          },
          error: (error: unknown) => {
            recorder.write(() => events.failure(recorder.now(), error));
          },
          complete: () => {
            completed(noData);
          },
        }),
      );
    });
  return {
    info: inner.info,
    configuration: inner.configuration,
    gone: inner.gone,
    controlTransfer: (setup, data) => transfer(setup, data, () => inner.controlTransfer(setup, data)),
    claimInterface: (number) => inner.claimInterface(number),
    releaseInterface: (number) => inner.releaseInterface(number),
    selectAlternate: (number, alternate) =>
      transfer(setInterface(number, alternate), noData, () => inner.selectAlternate(number, alternate)).pipe(
        tap({ complete: () => alternates.set(number, alternate) }),
      ),
    clearHalt: (endpoint) => transfer(clearHalt(endpoint), noData, () => inner.clearHalt(endpoint)),
    reset: () => inner.reset().pipe(tap({ complete: () => alternates.clear() })),
    openEndpoint: (endpoint) => wrap(inner.openEndpoint(endpoint), endpoint),
    close: () => inner.close().pipe(tap({ finalize: closed })),
  };

  function wrap(port: TransportEndpoint, endpoint: number): TransportEndpoint {
    const { info, configuration } = inner;
    const place = configuration.interfaces.find(({ number, alternates: settings }) =>
      settings.some(
        ({ alternateSetting, endpoints }) =>
          alternateSetting === (alternates.get(number) ?? 0) && endpoints.some((each) => each.address === endpoint),
      ),
    );
    const alternate = place === undefined ? undefined : (alternates.get(place.number) ?? 0);
    const selector = { endpoint, interfaceNumber: place?.number, alternate };
    const frameDuration = serviceInterval(findIsochEndpoint(configuration, selector, info.speed).endpoint, info.speed);
    const interval = frameDuration / (info.speed === "full" ? 1000 : 125);
    return new RecordedEndpoint(port, recorder, { ...address, endpoint, interval }, frameDuration);
  }
}

function setInterface(interfaceNumber: number, alternate: number): ControlSetup {
  return {
    direction: "out",
    type: "standard",
    recipient: "interface",
    request: requests.setInterface,
    value: alternate,
    index: interfaceNumber,
  };
}

/** CLEAR_FEATURE(ENDPOINT_HALT) (USB 2.0, 9.4.1). */
function clearHalt(endpoint: number): ControlSetup {
  return {
    direction: "out",
    type: "standard",
    recipient: "endpoint",
    request: requests.clearFeature,
    value: 0,
    index: endpoint,
  };
}
