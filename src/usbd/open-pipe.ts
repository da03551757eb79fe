import { defer, map, type Observable } from "rxjs";
import type { EndpointDescriptor } from "../descriptors/model.js";
import { UsbDevice, type EndpointSelector } from "../device.js";
import { EndpointError, InvalidRequestError, UnsupportedError } from "../errors.js";
import { deviceHandles, pipeHandles, type PipeState, type USB_HANDLE, type USB_PIPE } from "./handles.js";
import { attempt } from "./last-error.js";

const handlesOfDevices = new WeakMap<UsbDevice, USB_HANDLE>();

/**
 * The handle of a device that `openDevice` emitted, in place of the one that the Windows CE host
 * hands to a driver when its device is attached. Ours, not Windows CE's.
 *
 * One device has one handle. It lasts as long as the device is open, and nothing closes it but the
 * unsubscribe from `openDevice`, after which {@link OpenPipe} fails with `ERROR_INVALID_HANDLE`.
 *
 * @returns `null`, with `ERROR_INVALID_PARAMETER`, for what is no {@link UsbDevice}
 *
 * @example
 * ```ts
 * import { openDevice, type IsochTransport } from "rx-isoch";
 * import { OpenPipe, usbHandleOf } from "rx-isoch/usbd";
 *
 * export function attach(transport: IsochTransport) {
 *   return openDevice(transport, { vendorId: 0x1209 }).subscribe((device) => {
 *     const hPipe = OpenPipe(usbHandleOf(device), { endpoint: 0x81 });
 *     console.log(hPipe !== null);
 *   });
 * }
 * ```
 */
export function usbHandleOf(device: UsbDevice): USB_HANDLE | null {
  return attempt(null, () => {
    if (!(device instanceof UsbDevice)) {
      throw new InvalidRequestError("invalid-option", "a handle is made of a UsbDevice: pass what openDevice emitted");
    }
    const known = handlesOfDevices.get(device);
    if (known !== undefined) return known;
    const handle = deviceHandles.open(deviceHandles.create(), { device, pipes: new Set(), memory: new Map() });
    handlesOfDevices.set(device, handle);
    return handle;
  });
}

/**
 * Opens a pipe: claims the interface of the endpoint and selects the alternate setting that has it,
 * for which Windows CE has a call of its own.
 *
 * `lpEndpointDescriptor` is a descriptor out of {@link UsbDevice.configuration}, which says the
 * alternate setting by where it stands, or a selector, which can leave the setting to choose.
 *
 * Where the transport does not answer before this returns (all but the virtual one), or while an
 * earlier pipe on the endpoint is still closing, it fails and leaves nothing open: use
 * {@link openUsbPipe}.
 *
 * @returns `null` with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER` (there is no such isochronous
 * endpoint); `ERROR_BUSY`; `ERROR_NO_SYSTEM_RESOURCES` (bandwidth); `ERROR_DEVICE_NOT_CONNECTED`;
 * `ERROR_NOT_SUPPORTED` (use {@link openUsbPipe})
 *
 * @see {@link ClosePipe}
 */
export function OpenPipe(
  hDevice: USB_HANDLE | null,
  lpEndpointDescriptor: EndpointDescriptor | EndpointSelector,
): USB_PIPE | null {
  return attempt(null, () => {
    const [hPipe] = immediately(openUsbPipe(hDevice, lpEndpointDescriptor), "openUsbPipe");
    return hPipe ?? null;
  });
}

/**
 * The same as {@link OpenPipe} on any transport: emits the pipe when it is open, which is the
 * subscriber's to close with {@link ClosePipe}, and completes. Unsubscribed before that, it leaves
 * nothing open. Ours, not Windows CE's.
 *
 * Errors: as {@link UsbDevice.openPipe}; `TransferStateError` with `pipe-closed` for a bad handle.
 * {@link GetLastError} does not hear of them.
 *
 * @example
 * ```ts
 * import { openDevice, type IsochTransport } from "rx-isoch";
 * import { ClosePipe, openUsbPipe, usbHandleOf } from "rx-isoch/usbd";
 * import { map, switchMap } from "rxjs";
 *
 * export const openAndClose = (transport: IsochTransport) =>
 *   openDevice(transport, { vendorId: 0x1209 }).pipe(
 *     switchMap((device) => openUsbPipe(usbHandleOf(device), { endpoint: 0x81 })),
 *     map((hPipe) => ClosePipe(hPipe)),
 *   );
 * ```
 */
export function openUsbPipe(
  hDevice: USB_HANDLE | null,
  lpEndpointDescriptor: EndpointDescriptor | EndpointSelector,
): Observable<USB_PIPE> {
  return defer(() => {
    const owner = deviceHandles.get(hDevice);
    return owner.device.openPipe(selectorOf(owner.device, lpEndpointDescriptor)).pipe(
      map((session) => {
        const pipe: PipeState = { owner, session, transfers: new Set() };
        owner.pipes.add(pipe);
        return pipeHandles.open(pipeHandles.create(), pipe);
      }),
    );
  });
}

/**
 * What a source emits, if it completes before its subscription returns.
 *
 * @throws its error; {@link UnsupportedError} if it takes longer
 */
export function immediately<T>(source: Observable<T>, instead: string): readonly T[] {
  const values: T[] = [];
  const failures: unknown[] = [];
  const outcome = { isComplete: false as boolean };
  source
    .subscribe({
      next: (value) => values.push(value),
      error: (failure: unknown) => failures.push(failure),
      complete: () => {
        outcome.isComplete = true;
      },
    })
    .unsubscribe();
  if (failures.length > 0) throw failures[0];
  if (outcome.isComplete) return values;
  throw new UnsupportedError("unsupported", `the answer takes longer than this call can wait: use ${instead}`);
}

function selectorOf(device: UsbDevice, endpoint: EndpointDescriptor | EndpointSelector): EndpointSelector {
  if (!("transferType" in endpoint)) return endpoint;
  for (const { alternates } of device.configuration.interfaces) {
    for (const { endpoints, interfaceNumber, alternateSetting } of alternates) {
      if (endpoints.includes(endpoint)) {
        return { endpoint: endpoint.address, interfaceNumber, alternate: alternateSetting };
      }
    }
  }
  throw new EndpointError(
    "no-such-endpoint",
    "the endpoint descriptor is not out of the configuration of this device: take it from there, or pass a selector",
  );
}
