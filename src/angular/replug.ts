import { defer, EMPTY, filter, take, timer, switchMap, type Observable } from "rxjs";
import { matchesSelector } from "../device-selector.js";
import type { IsochError } from "../errors.js";
import type { DeviceSelector, IsochTransport } from "../transport.js";

/** Milliseconds from an unplug until the list of devices is asked: it may still have the one that went. */
const settling = 250;

/**
 * When to start again after a device was unplugged: as soon as one that matches is there. For the
 * option `restart` of {@link isochStream}; it also starts a stream that found no device, when one
 * comes. After any other error there is no restart.
 *
 * @param transport where the device comes back, or what returns it, asked at each unplug
 *
 * @example
 * ```ts
 * import { inject, Injectable, InjectionToken } from "@angular/core";
 * import { isochPipe, type IsochTransport } from "rx-isoch";
 * import { isochStream, replug } from "rx-isoch/angular";
 * import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * const selector = { vendorId: 0x1209, productId: 0x0001 };
 * export const USB = new InjectionToken<IsochTransport>("where the devices are", {
 *   factory: () => new VirtualBus({ devices: [counterDevice()] }),
 * });
 *
 * @Injectable({ providedIn: "root" })
 * export class Camera {
 *   readonly #usb = inject(USB);
 *   readonly stream = isochStream(() => isochPipe(this.#usb, { ...selector, endpoint: 0x81 }), {
 *     restart: replug(this.#usb, selector),
 *   });
 * }
 * ```
 */
export function replug(
  transport: IsochTransport | (() => IsochTransport),
  selector: DeviceSelector = {},
): (error: IsochError) => Observable<unknown> {
  return ({ code }) => {
    if (code !== "device-gone" && code !== "no-such-device") return EMPTY;
    const devices = defer(() => (typeof transport === "function" ? transport() : transport).devices());
    return timer(settling).pipe(
      switchMap(() => devices),
      filter(({ type, device }) => type === "attach" && matchesSelector(device, selector)),
      take(1),
    );
  };
}
