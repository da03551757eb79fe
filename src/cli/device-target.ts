import { map, type Observable } from "rxjs";
import { EndpointError, isochEndpoints, type DeviceInfo, type IsochTransport } from "../index.js";
import { counterProtocol } from "../../transports/virtual/index.js";
import { nameOf } from "./names.js";
import { presentDevices, type Patience } from "./present-devices.js";
import { selectDevice } from "./select-device.js";
import type { WatchTarget } from "./target.js";

/** Which device of a transport is watched, and where. */
export interface DeviceTargetOptions {
  /** See {@link selectDevice}. */
  readonly device: string;
  /** Default: the first that carries data, an IN endpoint if there is one. */
  readonly endpoint?: number | undefined;
  /** Default: the one in which the endpoint has the most bytes per frame. */
  readonly alternate?: number | undefined;
  readonly patience?: Patience | undefined;
}

/**
 * Finds a device on a transport.
 *
 * Errors: what {@link selectDevice} throws; EndpointError `no-such-endpoint` for a device that has no
 * isochronous one; what the transport fails with.
 */
export function deviceTarget(transport: IsochTransport, options: DeviceTargetOptions): Observable<WatchTarget> {
  const { device, endpoint, alternate, patience } = options;
  return presentDevices(transport, patience).pipe(
    map((devices) => {
      const info = selectDevice(devices, device);
      return {
        transport,
        device: { id: info.id },
        endpoint: { endpoint: endpoint ?? firstEndpoint(info), alternate },
        counter: isCounterDevice(info)
          ? { skips: false, estimatedLosses: !transport.capabilities.frameNumber }
          : undefined,
      };
    }),
  );
}

function isCounterDevice({ descriptor }: DeviceInfo): boolean {
  return descriptor.vendorId === counterProtocol.vendorId && descriptor.productId === counterProtocol.productId;
}

function firstEndpoint(info: DeviceInfo): number {
  const all = info.configurations.flatMap(isochEndpoints).map(({ endpoint }) => endpoint);
  const carriers = all.filter(({ usageType }) => usageType !== "feedback");
  const first = carriers.find(({ direction }) => direction === "in") ?? carriers[0] ?? all[0];
  if (first !== undefined) return first.address;
  throw new EndpointError(
    "no-such-endpoint",
    `${nameOf({ info })} (${info.id}) has no isochronous endpoints: --list shows what has`,
  );
}
