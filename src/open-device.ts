import { concat, Observable } from "rxjs";
import { closeOn, closingOn } from "./closings.js";
import { UsbDevice } from "./device.js";
import { subscribeInner } from "./subscribe-inner.js";
import type { DeviceSelector, IsochTransport } from "./transport.js";

/**
 * Opens a device for as long as the subscription lasts: emits it, and closes it, after every pipe
 * on it, with the unsubscribe. A subscription that comes while an earlier one, or a pipe of the
 * transport, is still closing waits for that.
 *
 * Errors: {@link DeviceError} `no-such-device`, `not-configured`; {@link DescriptorError};
 * {@link AccessError}.
 *
 * @example
 * ```ts
 * import { isochPipe, openDevice, type IsochTransport } from "rx-isoch";
 * import { switchMap } from "rxjs";
 *
 * export const whileOpen = (transport: IsochTransport) =>
 *   openDevice(transport, { vendorId: 0x1209 }).pipe(
 *     switchMap((device) => isochPipe(device, { endpoint: 0x81 }).results()),
 *   );
 * ```
 */
export function openDevice(transport: IsochTransport, selector: DeviceSelector): Observable<UsbDevice> {
  return new Observable<UsbDevice>((subscriber) => {
    let device: UsbDevice | undefined;
    subscriber.add(() => {
      if (device !== undefined) void closeOn(transport, device.close());
    });
    subscribeInner(concat(closingOn(transport), transport.open(selector)), subscriber, {
      next: (opened) => {
        device = new UsbDevice(opened, transport.capabilities);
        subscriber.next(device);
      },
      complete: () => {
        // The device stays open until the unsubscribe.
      },
    });
  });
}
