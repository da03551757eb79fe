import { map, switchMap, type Observable } from "rxjs";
import type { IsochTransport } from "../index.js";
import { chooseEndpoint, isCounterDevice, meansCamera } from "./choose-endpoint.js";
import { inspected } from "./inspected.js";
import { nameOf, placeOf } from "./names.js";
import { presentDevices, type Patience } from "./present-devices.js";
import { candidates, selectDevice } from "./select-device.js";
import type { EndpointChoice, StreamTarget } from "./target.js";

/** Which device of a transport is meant, and which endpoint. */
export interface DeviceTargetOptions extends EndpointChoice {
  /** See {@link selectDevice}. */
  readonly device: string | undefined;
  /** Whether the devices are those of a capture. Default: `false`. */
  readonly isRecording?: boolean | undefined;
  readonly patience?: Patience | undefined;
}

/**
 * Finds a device on a transport.
 *
 * Errors: what {@link selectDevice} and {@link chooseEndpoint} throw; what the transport fails with.
 */
export function deviceTarget(transport: IsochTransport, options: DeviceTargetOptions): Observable<StreamTarget> {
  const { device, patience, isRecording = false } = options;
  return presentDevices(transport, patience).pipe(
    switchMap((devices) => inspected(transport, candidates(devices, device))),
    map((devices) => {
      const info = selectDevice(devices, device);
      return {
        transport,
        device: { id: info.id },
        endpoint: chooseEndpoint(info, options),
        label: `${nameOf({ info })} ${placeOf({ info }, transport.name)}`,
        counter: isCounterDevice(info)
          ? { skips: false, estimatedLosses: !transport.capabilities.frameNumber }
          : undefined,
        ...(meansCamera(info, options) && { isCamera: true }),
        ...(isRecording && { isRecording: true }),
      };
    }),
  );
}
