import { defer, of, type Observable } from "rxjs";
import { VirtualBus, type BusClock } from "../../transports/virtual/index.js";
import { chooseEndpoint, isCounterDevice, meansCamera } from "./choose-endpoint.js";
import type { FaultPlan } from "./faults.js";
import { nameOf, placeOf } from "./names.js";
import type { EndpointChoice, StreamTarget } from "./target.js";
import { virtualDevice, type VirtualKind, type VirtualSetup } from "./virtual-devices.js";

/** How the virtual device is set up, and which of its endpoints is meant. */
export interface VirtualTargetOptions extends VirtualSetup, EndpointChoice {
  readonly kind: VirtualKind;
  readonly faults: readonly FaultPlan[];
  /** Default: real time. */
  readonly clock?: BusClock | undefined;
}

/** A virtual device on a bus of its own. */
export interface VirtualTarget extends StreamTarget {
  readonly transport: VirtualBus;
}

/**
 * Makes a bus, which begins with the subscription, with a virtual device on it.
 *
 * Errors: EndpointError for a device that has no such endpoint, InvalidRequestError for a fault that it cannot have.
 */
export function virtualTarget(options: VirtualTargetOptions): Observable<VirtualTarget> {
  return defer(() => {
    const { kind, clockPpm, faults, clock } = options;
    const transport = new VirtualBus({ clock });
    const attachment = transport.attach(virtualDevice(kind, options));
    const { info } = attachment;
    const endpoint = chooseEndpoint(info, options);
    attachment.inject(...faults.map((plan) => plan(endpoint.endpoint)));
    return of({
      transport,
      device: { id: info.id },
      endpoint,
      label: `${nameOf({ info })} ${placeOf({ info }, transport.name)}`,
      counter: isCounterDevice(info) ? { skips: clockPpm > 0, estimatedLosses: false } : undefined,
      ...(meansCamera(info, options) && { isCamera: true }),
    });
  });
}
