import { defer, tap, type Observable } from "rxjs";
import { BusyError, type UsbDevice } from "../../src/index.js";

interface Setting {
  readonly value: unknown;
  users: number;
}

/** By device and by name: what streams rely on, from before their pipes are open. */
const settings = new WeakMap<UsbDevice, Map<string, Setting>>();

/**
 * A stream that relies on a setting of a device while it runs, and others that rely on the same value beside it.
 * Errors: `BusyError` `interface-busy` for another value, before anything is asked of the device.
 *
 * @param help says what to do, where the setting is another
 */
export function relyOn<T>(
  device: UsbDevice,
  { name, value, help }: { readonly name: string; readonly value: unknown; readonly help: (value: unknown) => string },
  stream: Observable<T>,
): Observable<T> {
  return defer(() => {
    const ofDevice = settings.get(device) ?? new Map<string, Setting>();
    settings.set(device, ofDevice);
    const setting = ofDevice.get(name) ?? { value, users: 0 };
    if (setting.value !== value) throw new BusyError("interface-busy", help(setting.value));
    ofDevice.set(name, setting);
    setting.users++;
    // Before anybody hears of the end, so that the one who does can begin anew.
    const leave = () => {
      if (--setting.users === 0) ofDevice.delete(name);
    };
    return stream.pipe(tap({ error: leave, complete: leave, unsubscribe: leave }));
  });
}
