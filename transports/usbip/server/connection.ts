import { AsyncSubject, Subscription, type Observable } from "rxjs";
import { asIsochError, type IsochError } from "../../../src/errors.js";
import { BusyError, DeviceError } from "../../../src/index.js";
import type { ByteStream } from "../byte-stream.js";
import { encodeMessage, usbipStatus, type UrbCommand, type UsbipLimits, type UsbipMessage } from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";
import { ClientMessages } from "./client-messages.js";
import { DeviceImport, type Import } from "./device-import.js";
import type { ExportedDevice, ExportedDevices } from "./exported-devices.js";
import { FlowControl } from "./flow-control.js";
import { PendingUrbs } from "./pending-urbs.js";

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

/**
 * A client: asks for a list, or imports a device and submits transfers to it.
 *
 * `asking`: nothing was asked yet. `importing`: the device is being opened, and nothing is read.
 * `imported`: transfers come and go. `leaving`: nothing is read any more; the device drains and is
 * given back. The connection is closed when both that and the stream have come to their end.
 */
export class Connection {
  readonly #stream: ByteStream;
  readonly #devices: ExportedDevices;
  readonly #handler: ConnectionHandler;
  readonly #messages: ClientMessages;
  readonly #flow: FlowControl;
  readonly #import: DeviceImport;
  readonly #importing = new Subscription();
  readonly #closed = new AsyncSubject<never>();
  #state: "asking" | "importing" | "imported" | "leaving" = "asking";
  #imported: Import | undefined;
  #urbs: PendingUrbs | undefined;
  #isProcessing = false;
  #isStreamClosed = false;
  #hasLeft = false;
  #failure: IsochError | undefined;

  constructor(stream: ByteStream, devices: ExportedDevices, limits: ConnectionLimits, handler: ConnectionHandler) {
    this.#stream = stream;
    this.#devices = devices;
    this.#handler = handler;
    this.#messages = new ClientMessages(limits, limits.patience, (error) => {
      this.#fail(error);
    });
    this.#flow = new FlowControl({
      stream,
      most: limits.bytesInFlight,
      waiting: () => this.#imported?.device.waiting ?? 0,
      resumed: () => {
        this.#process();
      },
    });
    this.#import = new DeviceImport(devices, () => {
      this.#leave(undefined);
    });
    stream.open({
      received: (bytes) => {
        if (this.#state === "leaving") return;
        this.#messages.push(bytes);
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

  /** Sends what is left to be said, and closes. */
  close(): void {
    this.#leave(undefined);
  }

  #process(): void {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    try {
      while (this.#flow.isReading && this.#step());
      if (this.#state === "imported") this.#messages.watch(this.#flow.isReading);
    } catch (error) {
      this.#fail(asIsochError(error));
    } finally {
      this.#isProcessing = false;
    }
  }

  /** Takes a message; tells whether there was one. */
  #step(): boolean {
    if (this.#state === "asking") {
      const request = this.#messages.request();
      if (request === undefined) return false;
      if (request.type === "import-request") this.#begin(request.busId);
      else this.#list();
      return true;
    }
    if (this.#state !== "imported") return false;
    const command = this.#messages.command();
    if (command === undefined) return false;
    this.#take(command);
    this.#flow.limit();
    return true;
  }

  #take(command: UrbCommand): void {
    const { deviceId, seqnum } = command;
    if (deviceId !== this.#imported?.exported.deviceId) {
      throw protocolError(`addressed the device ${deviceId}, not its own`);
    }
    if (command.type === "unlink") {
      this.#flow.add(messageCost);
      this.#urbs?.unlink({ type: "unlink", seqnum, deviceId, target: command.target }, messageCost);
      return;
    }
    const cost = messageCost + command.length + packetCost * (command.packets?.lengths.length ?? 0);
    this.#flow.add(cost);
    this.#urbs?.submit(command, cost);
  }

  #list(): void {
    const devices = this.#devices.list().map((device) => device.entry);
    this.#send({ type: "device-list-reply", status: usbipStatus.ok, devices }, 0);
    this.#leave(undefined);
  }

  #begin(busId: string): void {
    const exported = this.#devices.find(busId);
    if (exported === undefined) {
      this.#refuse(new DeviceError("no-such-device", `no device ${busId} is exported: ask for the list`));
      return;
    }
    this.#state = "importing";
    this.#flow.hold();
    this.#importing.add(
      this.#import.begin(exported).subscribe({
        next: (imported) => {
          this.#start(imported);
        },
        error: (error: unknown) => {
          this.#refuse(asIsochError(error));
        },
      }),
    );
  }

  #start(imported: Import): void {
    const { exported, device } = imported;
    this.#imported = imported;
    this.#urbs = new PendingUrbs(device, (message, cost) => {
      this.#send(message, cost);
    });
    this.#send({ type: "import-reply", status: usbipStatus.ok, device: exported.entryIn(device.configuration) }, 0);
    this.#state = "imported";
    this.#handler.imported(exported);
    this.#flow.release();
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
    const sent = (): void => {
      this.#flow.remove(cost);
    };
    if (this.#isStreamClosed) sent();
    else this.#stream.write(encodeMessage(message), sent);
  }

  #peerEnded(): void {
    if (this.#state === "leaving") return;
    try {
      if (this.#flow.isReading) this.#messages.finish();
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
    this.#messages.stop();
    this.#flow.stop();
    this.#importing.unsubscribe();
    this.#import.giveBack().subscribe({
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
    this.#hasLeft = true;
    if (this.#imported !== undefined) this.#handler.released(this.#imported.exported);
    if (!this.#isStreamClosed) this.#stream.end();
    this.#settle();
  }

  #settle(): void {
    if (!this.#hasLeft || !this.#isStreamClosed) return;
    if (this.#failure === undefined) this.#closed.complete();
    else this.#closed.error(this.#failure);
  }
}
