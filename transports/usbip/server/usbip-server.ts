import { AsyncSubject, concat, defer, EMPTY, Subject, type Observable } from "rxjs";
import { asIsochError } from "../../../src/errors.js";
import type { DeviceInfo, IsochError, IsochTransport } from "../../../src/index.js";
import { wholeNumber } from "../../../src/numbers.js";
import type { ByteStream, StreamAcceptor } from "../byte-stream.js";
import { Connection, type ConnectionLimits } from "./connection.js";
import { InFlight } from "../drained.js";
import { ExportedDevices, type ExportedDevice } from "./exported-devices.js";
import type { UsbipLimits } from "../protocol/index.js";

/** How a {@link UsbipServer} is made. */
export interface UsbipServerOptions extends UsbipLimits {
  /** Whose devices it exports. Each is a bus of its own; its number is its place in the list, from 1. */
  readonly transports: readonly IsochTransport[];
  /**
   * Which devices it exports, and of which of the transports. Asked once for each that attaches. Default: all. Hubs are never exported,
   * and not asked for: an import would take a hub from the driver that has its ports.
   */
  readonly isExported?: ((device: DeviceInfo, transport: IsochTransport) => boolean) | undefined;
  /**
   * Bytes that a client may have under way, in transfers and in replies it has not taken. Beyond
   * that, nothing is read from it until half of them are done. One transfer may always be under
   * way. Default: 64 MiB.
   *
   * Only who has a device has transfers, so all clients together have that much for each device that
   * is exported, at most: a limit for all of them would have to make one wait for another.
   */
  readonly bytesInFlight?: number | undefined;
  /**
   * Milliseconds in which a client must have asked for something, and, with a device, must have sent the rest
   * of a message that it began. Between two messages it may be silent for as long as it likes. Default: 10,000.
   */
  readonly patience?: number | undefined;
}

/** A device as a {@link UsbipServer} exports it. */
export interface UsbipExport {
  /** What clients import it by, such as `1-1`. */
  readonly busId: string;
  readonly device: DeviceInfo;
  /** A client has it. */
  readonly isImported: boolean;
}

/** A client has got a device, or has given it back: see {@link UsbipServer.imports}. */
export interface UsbipImport {
  readonly type: "imported" | "released";
  readonly busId: string;
  readonly device: DeviceInfo;
  /** The connection of the client, as {@link UsbipServer.accept} got it. */
  readonly stream: ByteStream;
}

/**
 * Exports the devices of transports over USB/IP: to `vhci_hcd` of a Linux kernel, which binds its
 * drivers to them, or to any other client.
 *
 * A client that imports a device has all of its interfaces; a second one is refused until it has
 * gone. Control requests are passed on, but for those that select configurations and alternate
 * settings or end a halt, which the transport has calls for. Isochronous transfers are queued on
 * the bus of the device, which sets their pace, and complete in its order. Of other types none is
 * carried: transfers from an interrupt endpoint stay pending until they are taken back, as those of a
 * device that has nothing to say, and all others are answered with a STALL.
 *
 * The configuration cannot be changed: it is the one that is selected when a client imports the
 * device, as the reply to the import says. SET_CONFIGURATION with another value is answered with a
 * STALL, so a client that would rather have another has to be told the one there is. Before an
 * import, the list says the first one.
 *
 * | a client asks for | what happens |
 * |---|---|
 * | `URB_ISO_ASAP`, or a start frame that has passed | the transfer follows what is queued |
 * | a start frame to come, at most 65,536 (micro)frames from now | it starts there, where the transport can and nothing is queued beyond |
 * | an unlink | the transfer is cancelled. Had packets moved, they come in a reply to the submit, with -ECONNRESET, before that to the unlink; else only the unlink is answered |
 * | more at once than the limits | the connection is closed, or not read until there is room |
 *
 * A client that leaves, in whatever state, leaves nothing behind: what was in flight drains, the
 * interfaces are given back and the device is closed. So it is with a device that is unplugged; the
 * connection is closed when it has drained.
 *
 * There is no authentication in the protocol: whoever can reach the server can have the devices.
 *
 * @example
 * ```ts
 * import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
 * import { UsbipServer } from "rx-isoch/transports/usbip";
 * import { listenTcp } from "rx-isoch/transports/usbip/tcp";
 *
 * const server = new UsbipServer({ transports: [new VirtualBus({ devices: [counterDevice()] })] });
 * const listening = listenTcp(server, { port: 0 }).subscribe(({ port }) => {
 *   console.log(`usbip --tcp-port ${port} attach --remote 127.0.0.1 --busid 1-1`);
 *   listening.unsubscribe();
 *   server.close();
 * });
 * ```
 *
 * @see {@link ByteStream} for other carriers than TCP
 */
export class UsbipServer implements StreamAcceptor {
  readonly #limits: ConnectionLimits;
  readonly #devices: ExportedDevices;
  readonly #connections = new InFlight<Connection>();
  readonly #failures = new Subject<IsochError>();
  readonly #imports = new Subject<UsbipImport>();
  readonly #closed = new AsyncSubject<never>();
  #isClosing = false;

  /** @throws `InvalidRequestError` with the code `invalid-number`, for a limit that is none */
  constructor(options: UsbipServerOptions) {
    const { transports, isExported = () => true, bytesInFlight = 1 << 26, patience = 10_000 } = options;
    this.#limits = {
      packets: wholeNumber("packets", options.packets ?? 1024, 1, 1 << 16),
      transferLength: wholeNumber("transferLength", options.transferLength ?? 1 << 24, 1, 2 ** 31 - 1),
      bytesInFlight: wholeNumber("bytesInFlight", bytesInFlight, 1),
      patience: wholeNumber("patience", patience, 1, 2 ** 31 - 1),
    };
    this.#devices = new ExportedDevices(transports, isExported, (error) => {
      this.#failures.next(error);
    });
  }

  /** What is exported now. */
  get exports(): readonly UsbipExport[] {
    return this.#devices
      .list()
      .map(({ busId, info, owner }) => ({ busId, device: info, isImported: owner !== undefined }));
  }

  /** Clients that are served now. */
  get clients(): number {
    return this.#connections.size;
  }

  /**
   * Why clients were cut off or refused, and why a transport exports nothing any more, as it
   * happens. None of it disturbs the other clients.
   */
  get failures(): Observable<IsochError> {
    return this.#failures.asObservable();
  }

  /** Who gets which device, and when it is given back, as it happens. Completes when the server is closed. */
  get imports(): Observable<UsbipImport> {
    return this.#imports.asObservable();
  }

  /**
   * Serves a client.
   *
   * @returns hot: completes when the stream is closed and everything is given back, and errors then
   * with what ended it, if that was not the client's wish
   */
  accept(stream: ByteStream): Observable<never> {
    const tell = (type: UsbipImport["type"], { busId, info }: ExportedDevice): void => {
      this.#imports.next({ type, busId, device: info, stream });
    };
    const connection = new Connection(stream, this.#devices, this.#limits, {
      imported: (device) => {
        tell("imported", device);
      },
      released: (device) => {
        tell("released", device);
      },
    });
    this.#connections.add(connection);
    connection.closed.subscribe({
      error: (error: unknown) => {
        this.#failures.next(asIsochError(error));
        this.#connections.delete(connection);
      },
      complete: () => {
        this.#connections.delete(connection);
      },
    });
    if (this.#isClosing) connection.close();
    return connection.closed;
  }

  /** Tells of a client that a listener turned away, in {@link UsbipServer.failures}. */
  refused(error: IsochError): void {
    this.#failures.next(error);
  }

  /**
   * Closes every connection and follows the transports no longer. Starts at once, without a
   * subscription.
   *
   * @returns completes when every device is given back
   */
  close(): Observable<never> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      for (const connection of [...this.#connections]) connection.close();
      const end = defer(() => {
        this.#devices.close();
        this.#failures.complete();
        this.#imports.complete();
        return EMPTY;
      });
      concat(this.#connections.drained, end).subscribe(this.#closed);
    }
    return this.#closed.asObservable();
  }
}
