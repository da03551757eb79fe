import { AsyncSubject, concat, mergeMap, Subscription, type Observable } from "rxjs";
import { asIsochError, type IsochError } from "../../../src/errors.js";
import { BusyError, DeviceError, type TransportCapabilities, type TransportDevice } from "../../../src/index.js";
import { settled } from "../../../src/teardown.js";
import type { ByteStream } from "../byte-stream.js";
import type { DeviceOwner, ExportedDevice, ExportedDevices } from "./exported-devices.js";
import { ImportedDevice } from "./imported-device.js";
import { PendingUrbs } from "./pending-urbs.js";
import {
  ByteQueue,
  encodeMessage,
  MessageDecoder,
  operationRequest,
  urbCommandMessage,
  usbipStatus,
  type OperationRequest,
  type UrbCommand,
  type UsbipLimits,
  type UsbipMessage,
} from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";
import { Watchdog } from "../watchdog.js";

/** What a client may cost. */
export interface ConnectionLimits extends UsbipLimits {
  /** Bytes of transfers and replies that are under way, beyond which nothing is read. */
  readonly bytesInFlight: number;
  /** Milliseconds in which a client must have asked for something, and sent the rest of a message that it began. */
  readonly patience: number;
}

/** Who hears what becomes of a {@link Connection}. */
export interface ConnectionHandler {
  /** It has that device from now on. */
  imported(device: ExportedDevice): void;
  /** It has given it back. */
  released(device: ExportedDevice): void;
}

/** Bytes that a message is counted at, beside those of its data and its packets. */
const messageCost = 512;
const packetCost = 64;
/** What the watchdog of a connection waits for: one thing at a time. */
const whole = 0;

/**
 * A client: asks for a list, or imports a device and submits transfers to it.
 *
 * `asking`: nothing was asked yet. `importing`: the device is being opened, and nothing is read.
 * `imported`: transfers come and go. `leaving`: nothing is read any more; the device drains and is
 * given back. The connection is closed when both that and the stream have come to their end.
 */
export class Connection implements DeviceOwner {
  readonly #stream: ByteStream;
  readonly #devices: ExportedDevices;
  readonly #limits: ConnectionLimits;
  readonly #handler: ConnectionHandler;
  readonly #queue = new ByteQueue();
  readonly #requests: MessageDecoder<OperationRequest>;
  readonly #commands: MessageDecoder<UrbCommand>;
  readonly #watchdog: Watchdog;
  readonly #opening = new Subscription();
  readonly #claimed = new AsyncSubject<never>();
  readonly #left = new AsyncSubject<never>();
  readonly #closed = new AsyncSubject<never>();
  #state: "asking" | "importing" | "imported" | "leaving" = "asking";
  #device: ExportedDevice | undefined;
  #imported: ImportedDevice | undefined;
  #urbs: PendingUrbs | undefined;
  #bytesInFlight = 0;
  #isReading = true;
  #isProcessing = false;
  #hasDevice = false;
  #isStreamClosed = false;
  #hasLeft = false;
  #failure: IsochError | undefined;

  constructor(stream: ByteStream, devices: ExportedDevices, limits: ConnectionLimits, handler: ConnectionHandler) {
    this.#stream = stream;
    this.#devices = devices;
    this.#limits = limits;
    this.#handler = handler;
    this.#requests = new MessageDecoder(this.#queue, operationRequest);
    this.#commands = new MessageDecoder(this.#queue, () => urbCommandMessage(limits));
    this.#watchdog = new Watchdog(() => {
      const what = this.#state === "asking" ? "asked for nothing" : "did not finish a message that it began";
      this.#fail(protocolError(`${what} in ${limits.patience} ms`));
    });
    this.#watchdog.expect(whole, limits.patience);
    stream.open({
      received: (bytes) => {
        if (this.#state === "leaving") return;
        this.#queue.push(bytes);
        this.#process();
      },
      ended: () => {
        this.#peerEnded();
      },
      closed: (error) => {
        this.#isStreamClosed = true;
        this.#leave(error === undefined ? undefined : asIsochError(error));
        this.#settle();
      },
    });
  }

  /** Completes when the stream is closed and the device given back; errors with what ended it, if something did. */
  get closed(): Observable<never> {
    return this.#closed;
  }

  get isLeaving(): boolean {
    return this.#state === "leaving";
  }

  get left(): Observable<never> {
    return this.#left;
  }

  /** Sends what is left to be said, and closes. */
  close(): void {
    this.#leave(undefined);
  }

  unplugged(): void {
    this.#leave(undefined);
  }

  #process(): void {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    try {
      while (this.#isReading && this.#step());
      this.#watch();
    } catch (error) {
      this.#fail(asIsochError(error));
    } finally {
      this.#isProcessing = false;
    }
  }

  /** Who is in the middle of a message has to go on; between two, a client may be silent for as long as it likes. */
  #watch(): void {
    if (this.#state !== "imported") return;
    if (this.#isReading && this.#commands.isWithin) this.#watchdog.expectFromNow(whole, this.#limits.patience);
    else this.#watchdog.settle(whole);
  }

  /** Takes a message; tells whether there was one. */
  #step(): boolean {
    if (this.#state === "asking") {
      const request = this.#requests.read();
      if (request === undefined) return false;
      this.#watchdog.settle(whole);
      if (request.type === "import-request") this.#import(request.busId);
      else this.#list();
      return true;
    }
    if (this.#state !== "imported") return false;
    const command = this.#commands.read();
    if (command === undefined) return false;
    this.#watchdog.settle(whole);
    this.#take(command);
    if (this.#bytesMoving > this.#limits.bytesInFlight) this.#setReading(false);
    return true;
  }

  /** Without those of transfers that only another command can end: for their sake it has to be read. */
  get #bytesMoving(): number {
    return this.#bytesInFlight - (this.#imported?.waiting ?? 0);
  }

  #take(command: UrbCommand): void {
    const { deviceId, seqnum } = command;
    if (deviceId !== this.#device?.deviceId) throw protocolError(`addressed the device ${deviceId}, not its own`);
    if (command.type === "unlink") {
      this.#bytesInFlight += messageCost;
      this.#urbs?.unlink({ type: "unlink", seqnum, deviceId, target: command.target }, messageCost);
      return;
    }
    const cost = messageCost + command.length + packetCost * (command.packets?.lengths.length ?? 0);
    this.#bytesInFlight += cost;
    this.#urbs?.submit(command, cost);
  }

  #list(): void {
    const devices = this.#devices.list().map((device) => device.entry);
    this.#send({ type: "device-list-reply", status: usbipStatus.ok, devices }, 0);
    this.#leave(undefined);
  }

  #import(busId: string): void {
    const device = this.#devices.find(busId);
    if (device === undefined) {
      this.#refuse(new DeviceError("no-such-device", `no device ${busId} is exported: ask for the list`));
      return;
    }
    this.#state = "importing";
    this.#setReading(false);
    this.#await(device);
  }

  /** Whoever leaves the device is waited for: a client that lost its connection comes back at once. */
  #await(device: ExportedDevice): void {
    if (this.#state !== "importing") return;
    if (this.#devices.find(device.busId) !== device) {
      this.#refuse(new DeviceError("no-such-device", `${device.busId} was unplugged: wait for it to attach again`));
    } else if (device.owner === undefined) this.#open(device);
    else if (device.owner.isLeaving) {
      device.owner.left.subscribe({
        error: (error: unknown) => {
          this.#refuse(asIsochError(error));
        },
        complete: () => {
          this.#await(device);
        },
      });
    } else {
      this.#refuse(new BusyError("interface-busy", `${device.busId} is imported by another client: detach it there`));
    }
  }

  #open(device: ExportedDevice): void {
    const { transport, info } = device;
    device.owner = this;
    this.#device = device;
    const opened = transport.open({ id: info.id }).pipe(mergeMap((it) => this.#claim(it, transport.capabilities)));
    this.#opening.add(
      opened.subscribe({
        error: (error: unknown) => {
          this.#refuse(asIsochError(error));
        },
        complete: () => {
          this.#begin(device);
        },
      }),
    );
  }

  /** Not tied to the subscriber: what has begun on the device is finished, and then undone. */
  #claim(opened: TransportDevice, capabilities: TransportCapabilities): Observable<never> {
    const imported = new ImportedDevice(opened, capabilities);
    this.#imported = imported;
    this.#urbs = new PendingUrbs(imported, (message, cost) => {
      this.#send(message, cost);
    });
    imported.claim().subscribe(this.#claimed);
    return this.#claimed;
  }

  #begin(device: ExportedDevice): void {
    const configuration = this.#imported?.configuration;
    if (this.#state !== "importing" || configuration === undefined) return;
    this.#send({ type: "import-reply", status: usbipStatus.ok, device: device.entryIn(configuration) }, 0);
    this.#state = "imported";
    this.#hasDevice = true;
    this.#handler.imported(device);
    this.#setReading(true);
  }

  #refuse(error: IsochError): void {
    const status =
      error.code === "no-such-device" || error.code === "device-gone"
        ? usbipStatus.noSuchDevice
        : BusyError.is(error)
          ? usbipStatus.busy
          : usbipStatus.deviceError;
    if (this.#state !== "leaving") this.#send({ type: "import-reply", status, device: undefined }, 0);
    this.#leave(error);
  }

  /** @param cost what was counted for the message already */
  #send(message: UsbipMessage, cost: number): void {
    const uncount = (): void => {
      this.#bytesInFlight -= cost;
      if (this.#isReading || this.#state !== "imported") return;
      if (2 * this.#bytesMoving <= this.#limits.bytesInFlight) this.#setReading(true);
    };
    if (this.#isStreamClosed) uncount();
    else this.#stream.write(encodeMessage(message), uncount);
  }

  #setReading(isReading: boolean): void {
    this.#isReading = isReading;
    if (isReading) {
      this.#stream.resume();
      this.#process();
    } else this.#stream.pause();
  }

  #peerEnded(): void {
    if (this.#state === "leaving") return;
    try {
      if (this.#isReading) (this.#state === "asking" ? this.#requests : this.#commands).finish();
      this.#leave(undefined);
    } catch (error) {
      this.#fail(asIsochError(error));
    }
  }

  /** The peer is not worth another word. */
  #fail(error: IsochError): void {
    this.#leave(error);
    if (!this.#isStreamClosed) this.#stream.destroy();
  }

  #leave(failure: IsochError | undefined): void {
    if (this.#state === "leaving") return;
    this.#state = "leaving";
    this.#failure = failure;
    this.#watchdog.stop();
    this.#opening.unsubscribe();
    const imported = this.#imported;
    if (imported === undefined) {
      this.#givenBack();
      return;
    }
    concat(settled(this.#claimed), imported.close()).subscribe({
      error: (error: unknown) => {
        this.#failure ??= asIsochError(error);
        this.#givenBack();
      },
      complete: () => {
        this.#givenBack();
      },
    });
  }

  #givenBack(): void {
    const device = this.#device;
    if (device?.owner === this) device.owner = undefined;
    this.#hasLeft = true;
    if (device !== undefined && this.#hasDevice) this.#handler.released(device);
    if (!this.#isStreamClosed) this.#stream.end();
    this.#left.complete();
    this.#settle();
  }

  #settle(): void {
    if (!this.#hasLeft || !this.#isStreamClosed) return;
    if (this.#failure === undefined) this.#closed.complete();
    else this.#closed.error(this.#failure);
  }
}
