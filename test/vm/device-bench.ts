import { setTimeout as sleep } from "node:timers/promises";
import { firstValueFrom, lastValueFrom, ReplaySubject, type Subscription } from "rxjs";
import { UsbipServer } from "../../transports/usbip/index.js";
import { listenTcp, type TcpAddress } from "../../transports/usbip/tcp.js";
import {
  cameraDevice,
  counterDevice,
  CounterDevice,
  microphoneDevice,
  speakerDevice,
  SpeakerDevice,
  VirtualBus,
  type Attachment,
  type CameraDevice,
  type MicrophoneDevice,
  type VirtualFault,
} from "../../transports/virtual/index.js";
import type { ClassDeviceRequest, DeviceRequests, PluggedDevice, RequestLine, ServedAudit } from "./device-requests.js";

type ClassDevice = CameraDevice | MicrophoneDevice | SpeakerDevice;

interface Plugged {
  readonly device: CounterDevice | ClassDevice;
  readonly attachment: Attachment;
}

export const loopback = "127.0.0.1";
/** The loopback address of this machine, in QEMU's network in user mode. */
const loopbackOfGuest = "10.0.2.2";

const patience = 10_000;

/** A bus with devices that is exported over USB/IP at a port of its own: what one test has. */
export class DeviceBench {
  readonly #bus = new VirtualBus();
  readonly #server = new UsbipServer({ transports: [this.#bus] });
  readonly #address = new ReplaySubject<TcpAddress>(1);
  readonly #listening: Subscription;
  readonly #devices = new Map<string, Plugged>();
  readonly #failures: string[] = [];

  readonly #host: string;

  /** @param exportedAt the address of this machine to listen at; other machines do not reach it */
  constructor(exportedAt: string) {
    this.#host = exportedAt === loopback ? loopbackOfGuest : exportedAt;
    this.#server.failures.subscribe(({ message }) => {
      this.#failures.push(message);
    });
    this.#listening = listenTcp(this.#server, {
      host: exportedAt,
      port: 0,
      allowWithoutToken: exportedAt !== loopback,
    }).subscribe(this.#address);
  }

  /** @throws whatever is wrong with the request */
  async answer(line: RequestLine): Promise<DeviceRequests[RequestLine["request"]]["answer"]> {
    switch (line.request) {
      case "plug":
        return this.#plug(counterDevice(line.argument));
      case "plugClass":
        return this.#plug(classDevice(line.argument));
      case "inject":
        this.#inject(this.#find(line.argument.id), line.argument.faults);
        return null;
      case "unplug":
        this.#find(line.argument.id).attachment.detach();
        return null;
      case "released":
        await this.#released(line.argument.id);
        return null;
      case "statistics": {
        const { device } = this.#find(line.argument.id);
        if (!(device instanceof CounterDevice)) throw new Error(`${line.argument.id} is no counter`);
        return device.statistics;
      }
      case "counts": {
        const { device } = this.#find(line.argument.id);
        if (device instanceof CounterDevice) throw new Error(`${line.argument.id} is a counter`);
        return device.statistics;
      }
      case "recorded": {
        const { device } = this.#find(line.argument.id);
        if (!(device instanceof SpeakerDevice)) throw new Error(`${line.argument.id} is no speaker`);
        return Buffer.from(device.recorded()).toString("base64");
      }
      case "audit":
        return this.#audit();
    }
  }

  /** Pulls everything out and serves nobody any more. */
  async close(): Promise<void> {
    this.#listening.unsubscribe();
    for (const { attachment } of this.#devices.values()) attachment.detach();
    await lastValueFrom(this.#server.close(), { defaultValue: undefined });
  }

  async #plug(device: Plugged["device"]): Promise<PluggedDevice> {
    const { port } = await firstValueFrom(this.#address);
    const attachment = this.#bus.attach(device);
    const { id } = attachment.info;
    this.#devices.set(id, { device, attachment });
    const { busId } = this.#export(id) ?? {};
    if (busId === undefined) throw new Error(`${id} is not exported`);
    return { id, busId, port, host: this.#host };
  }

  #inject({ device, attachment }: Plugged, faults: readonly VirtualFault[]): void {
    const now = Math.ceil(this.#bus.time / (device.speed === "full" ? 1000 : 125));
    attachment.inject(...faults.map((fault) => ("frame" in fault ? { ...fault, frame: now + fault.frame } : fault)));
  }

  async #released(id: string): Promise<void> {
    const deadline = performance.now() + patience;
    while (this.#export(id)?.isImported === true) {
      if (performance.now() > deadline) throw new Error(`${id} is still imported after ${patience / 1000} s`);
      await sleep(5);
    }
  }

  #audit(): ServedAudit {
    return { ...this.#bus.audit(), clients: this.#server.clients, failures: this.#failures };
  }

  #export(id: string) {
    return this.#server.exports.find(({ device }) => device.id === id);
  }

  #find(id: string): Plugged {
    const found = this.#devices.get(id);
    if (found === undefined) throw new Error(`no device ${id} was plugged in`);
    return found;
  }
}

function classDevice({ kind, options }: ClassDeviceRequest): ClassDevice {
  switch (kind) {
    case "camera":
      return cameraDevice(options);
    case "microphone":
      return microphoneDevice(options);
    case "speaker":
      return speakerDevice(options);
  }
}
