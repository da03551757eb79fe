import { catchError, firstValueFrom, map, of, switchMap, takeUntil, throwError, type Observable } from "rxjs";
import { InvalidRequestError, type DeviceInfo, type DeviceSelector, type IsochTransport } from "../../index.js";
import { serve, type ServeOptions } from "../../../transports/usbip/serve.js";
import { inspected } from "../inspected.js";
import { listenToInterrupts } from "../interrupts.js";
import { tell, UsageError } from "../outcome.js";
import { presentDevices, type Patience } from "../present-devices.js";
import { whileWaiting } from "../progress.js";
import { numbersOf, selectDevice } from "../select-device.js";
import { eventRecord, eventText } from "./events.js";

/** What is served, and where. */
export interface ServeDevicesOptions extends Pick<ServeOptions, "tcp" | "webSocket"> {
  /** Print an event a line, as JSON. */
  readonly json: boolean;
  readonly patience?: Patience | undefined;
}

/**
 * Serves devices of a transport until the interrupt, says what happens, and returns the exit status. Devices
 * are named as for {@link selectDevice}, and those that are named by their numbers may come later; without
 * names it is all there are now, of a virtual bus.
 */
export async function serveDevices(
  transport: IsochTransport,
  names: readonly string[],
  { json, patience, ...places }: ServeDevicesOptions,
): Promise<number> {
  const interrupts = listenToInterrupts();
  try {
    const looked = firstValueFrom(selectors(transport, names, patience).pipe(takeUntil(interrupts.first)), {
      defaultValue: undefined,
    });
    const devices = await whileWaiting("Looking for the devices…", looked);
    if (devices === undefined) return interrupts.status;
    const bridge = serve({ ...places, transports: [transport], devices, stop: interrupts.first });
    await bridge.pipe(catchError(usageErrors)).forEach((event) => {
      console.log(json ? JSON.stringify(eventRecord(event)) : eventText(event));
    });
    return interrupts.status;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return tell(error);
  }
}

/** What only the listeners can tell of the options: a host that all could reach, a token that is too short. */
function usageErrors(error: unknown): Observable<never> {
  return throwError(() => (InvalidRequestError.is(error) ? new UsageError(error.message) : error));
}

/** Names as selectors, without names every device there is. Where all are numbers, nobody has to be there yet. */
function selectors(
  transport: IsochTransport,
  names: readonly string[],
  patience: Patience | undefined,
): Observable<readonly DeviceSelector[]> {
  const numbers = names.map(numbersOf).filter((each) => each !== undefined);
  const present = presentDevices(transport, patience);
  if (names.length === 0) return present.pipe(map((devices) => devices.map(({ id }) => ({ id }))));
  if (numbers.length === names.length) return of(numbers);
  return present.pipe(
    switchMap((devices) => inspected(transport, devices)),
    map((devices) => names.map((name) => numbersOf(name) ?? selectorOf(selectDevice(devices, name), name))),
  );
}

/** An id stands for where a device is plugged in, a name for the device. */
function selectorOf({ id, descriptor, serialNumber }: DeviceInfo, name: string): DeviceSelector {
  const { vendorId, productId } = descriptor;
  return id === name ? { id } : { vendorId, productId, serialNumber };
}
