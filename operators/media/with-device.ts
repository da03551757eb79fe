import { concat, defer, type Observable } from "rxjs";
import { closingOn } from "../../src/closings.js";
import { openDevice, UsbDevice, type DeviceSelector, type IsochTransport } from "../../src/index.js";
import { whileOpen } from "./while-open.js";

/**
 * Opens a device for as long as what is done with it lasts. A device that is open stays open; what is done with it
 * waits for pipes on it that are closing.
 */
export function withDevice<T>(
  source: IsochTransport | UsbDevice,
  selector: DeviceSelector,
  use: (device: UsbDevice) => Observable<T>,
): Observable<T> {
  if (!(source instanceof UsbDevice)) return whileOpen(openDevice(source, selector), use);
  return concat(
    closingOn(source),
    defer(() => use(source)),
  );
}
