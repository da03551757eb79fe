import { catchError, concat, defer, map, mergeMap, of, retry, throwError, timer, type Observable } from "rxjs";
import { matchesSelector } from "../../../src/device-selector.js";
import {
  DescriptorError,
  BusyError,
  DeviceError,
  type DeviceEvent,
  type DeviceSelector,
  type IsochError,
  type IsochTransport,
  type TransportCapabilities,
  type TransportDevice,
} from "../../../src/index.js";
import { wholeNumber } from "../../../src/numbers.js";
import { settled } from "../../../src/teardown.js";
import type { ByteStream } from "../byte-stream.js";
import type { UsbipListedDevice } from "../protocol/index.js";
import { mayMatch } from "./device-info.js";
import type { ServerAccess } from "./exchange.js";
import { importDevice } from "./import-device.js";
import { Imports, type ImportUse } from "./imports.js";
import { OpenedDevice } from "./opened-device.js";
import { listDevices, pollDevices } from "./poll.js";

/** Milliseconds until a device that was given back is looked for again. */
const secondLook = 100;

/** Which server {@link usbip} is a client of, and how. */
export interface UsbipOptions {
  /**
   * Makes a connection to the server, at each subscription, and emits it once it is there: one for each
   * look at the list, and one for each device that is open. `connectTcp` of
   * `rx-isoch/transports/usbip/tcp` is one.
   */
  readonly connect: Observable<ByteStream>;
  /** Milliseconds from one look at the list to the next, while somebody is subscribed to `devices()`. Default: 1000. */
  readonly interval?: number | undefined;
  /**
   * Milliseconds that the server has to connect and answer, that a device has to answer a control
   * request, and that a transfer may come late. Default: 5000.
   */
  readonly timeout?: number | undefined;
}

/**
 * The devices that a USB/IP server exports, `usbipd` of Linux or a `UsbipServer`: a transport that
 * runs wherever there is a {@link ByteStream} to the server.
 *
 * A device is imported when it is opened, over a connection of its own, and given back when it is closed;
 * meanwhile nobody else can have it. Opened twice by one transport, for two pipes on two interfaces, it is
 * imported once, and of several that match, one that is open already is taken. Transfers are submitted without waiting for one another's replies, so that the round trip
 * costs no rate where as much is queued as it lasts; the bytes that come land in the buffer of their
 * request directly.
 *
 * | what | how it is |
 * |---|---|
 * | what the list tells | ids of vendor and product, class, speed; `id` is the bus id, such as `1-1`. Strings and configurations are known of an open device only. To find a `serialNumber`, devices are opened one after the other |
 * | hotplug | by looking at the list every `interval`. A server that cannot be asked ends the stream with an error: `retry` it. Linux lists nothing that another client has imported, so that reads as a detach |
 * | the frame of the bus | completions say on which frame they began, and the account of frames is exact; where a server's numbers do not count on (some host controllers count modulo a second), it is estimated from there on, and naming a start is `unsupported` |
 * | a start | our server keeps it. Linux ignores it, and begins when it can: `firstFrame` says so, and no further start is taken (`unsupported`) |
 * | a start that has passed | `start-in-past` at once, as far as completions have told; else the server decides, later: it refuses (`rejected`, `start-in-past`), or begins on the next frame, and `firstFrame` says on which |
 * | a start far ahead | is held back until half a second before |
 * | a transfer that is cancelled half way | our server says what had moved. Linux says nothing of it: all its frames read `not-complete` |
 * | a device that was just closed | Linux resets it before it hands it out again: `open` waits for that, two seconds at most |
 * | `reset` | `unsupported`: the protocol has no request for it |
 * | an unplug | the server closes the connection: `device-gone`. Linux does so too where its bus has no bandwidth or no memory for a transfer |
 * | a server that breaks the protocol | `protocol-error`, and the connection is closed |
 * | a server that does not answer in time | `transport-failed`, and the connection is closed; of a control request only that is given up |
 *
 * There is no encryption and no password in the protocol.
 *
 * @example
 * ```ts
 * import { isochPipe } from "rx-isoch";
 * import { usbip } from "rx-isoch/transports/usbip";
 * import { connectTcp } from "rx-isoch/transports/usbip/tcp";
 *
 * const remote = usbip({ connect: connectTcp({ host: "192.168.1.20" }) });
 * const camera = isochPipe(remote, { vendorId: 0x046d, endpoint: 0x81 });
 * export const subscription = camera.results().subscribe((results) => {
 *   console.log(results.firstFrame, results.bytesTransferred, "bytes,", results.lost, "frames lost");
 * });
 * ```
 *
 * @throws `InvalidRequestError` `invalid-number` for an option that is none
 */
export function usbip(options: UsbipOptions): IsochTransport {
  return new UsbipTransport(options);
}

class UsbipTransport implements IsochTransport {
  readonly name = "usbip";
  readonly capabilities: TransportCapabilities = {
    startFrame: true,
    frameNumber: false,
    lengthsPerFrame: true,
    cancel: "transfer",
    blocking: false,
    dma: false,
  };
  readonly #list: Observable<readonly UsbipListedDevice[]>;
  readonly #interval: number;
  readonly #imports: Imports;

  constructor({ connect, interval = 1000, timeout = 5000 }: UsbipOptions) {
    const access: ServerAccess = { connect, timeout: wholeNumber("timeout", timeout, 1, 2 ** 31 - 1) };
    this.#interval = wholeNumber("interval", interval, 1, 2 ** 31 - 1);
    this.#list = listDevices(access);
    this.#imports = new Imports((busId) => importDevice(access, busId));
  }

  devices(): Observable<DeviceEvent> {
    return pollDevices(this.#list, this.#interval, this.#imports);
  }

  open(selector: DeviceSelector): Observable<TransportDevice> {
    const delay = (error: unknown) =>
      this.#isReturning(error, selector) ? timer(secondLook) : throwError(() => error);
    return this.#open(selector).pipe(retry({ delay }));
  }

  /** Whether the device was this program's until just now, and the server has not got it back yet. */
  #isReturning(error: unknown, selector: DeviceSelector): boolean {
    const isAway = BusyError.is(error) || (DeviceError.is(error) && error.code === "no-such-device");
    return isAway && this.#imports.isReturning((info) => matchesSelector(info, selector));
  }

  #open(selector: DeviceSelector): Observable<TransportDevice> {
    return defer(() => {
      const shared = this.#imports.find(({ info }) => matchesSelector(info, selector));
      if (shared !== undefined) return shared.pipe(map((use) => new OpenedDevice(use)));
      return this.#list.pipe(
        mergeMap((devices) =>
          this.#first(
            devices.filter((device) => mayMatch(device, selector)),
            selector,
          ),
        ),
      );
    });
  }

  /** Opens the first that matches; what the list does not tell, the device has to. */
  #first(
    [device, ...others]: readonly UsbipListedDevice[],
    selector: DeviceSelector,
    refusal?: IsochError,
  ): Observable<TransportDevice> {
    if (device === undefined) return throwError(() => refusal ?? noSuchDevice());
    return this.#imports.acquire(device).pipe(
      catchError((error: unknown) => (isOfOneDevice(error) ? of(error) : throwError(() => error))),
      mergeMap((found: ImportUse | IsochError) => {
        if (!("remote" in found)) return this.#first(others, selector, refusal ?? found);
        if (matchesSelector(found.remote.info, selector)) return of(new OpenedDevice(found));
        return concat(settled(defer(() => found.release())), this.#first(others, selector, refusal));
      }),
    );
  }
}

/** What does not keep other devices from being opened. */
function isOfOneDevice(error: unknown): error is IsochError {
  return BusyError.is(error) || DeviceError.is(error) || DescriptorError.is(error);
}

function noSuchDevice(): DeviceError {
  return new DeviceError(
    "no-such-device",
    "the USB/IP server exports no device that matches the selector: export it there, or look at what devices() lists",
  );
}
