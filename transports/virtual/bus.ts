import { defer, Observable, of, Subject } from "rxjs";
import {
  DeviceError,
  type DeviceEvent,
  type DeviceInfo,
  type DeviceSelector,
  type DmaBuffer,
  type IsochTransport,
  type TransportCapabilities,
  type TransportDevice,
} from "../../src/index.js";
import { matchesSelector } from "../../src/device-selector.js";
import { oneOf, wholeNumber } from "../../src/numbers.js";
import { allocate, maxBytesPerRequest, maxFramesPerRequest } from "../../src/request.js";
import { AttachedDevice, type BusContext } from "./attached-device.js";
import { Bandwidth } from "./bandwidth.js";
import { realTimeClock, type BusClock } from "./clock.js";
import type { VirtualDevice } from "./device-model.js";
import { BusEngine } from "./engine.js";
import type { VirtualFault } from "./faults.js";
import { OpenedDevice } from "./opened-device.js";

/** How a {@link VirtualBus} is made. */
export interface VirtualBusOptions {
  /** Devices that are attached from the start. */
  readonly devices?: readonly VirtualDevice[] | undefined;
  /** Default: {@link realTimeClock}. */
  readonly clock?: BusClock | undefined;
  /** Frames from now until a transfer starts that follows nothing. Default: 2. */
  readonly asapDelay?: number | undefined;
  /**
   * What the bus can do, to stand in for a transport that can do less: `{ startFrame: false }`. What
   * is left out it can. Nothing can be added: blocking, for one, is there only with a clock that can
   * be waited for.
   */
  readonly capabilities?: Partial<TransportCapabilities> | undefined;
  /** Whether completions say on which frame they began. Default: if the bus clock can be read. */
  readonly tellFirstFrame?: boolean | undefined;
}

/** A device on a {@link VirtualBus}, as the one who attached it holds it. */
export interface Attachment {
  readonly info: DeviceInfo;
  /**
   * Plans faults. Of those whose frame has passed, `halt` and `unplug` happen at once; a frame that
   * is over stays as it was.
   *
   * @throws `InvalidRequestError` for a number or an endpoint that cannot be; then none is planned
   */
  inject(...faults: readonly VirtualFault[]): void;
  /**
   * Unplugs the device now. What is in flight completes before this returns, with the frames that
   * have ended; but where the device's own model unplugs it from within a packet, after that.
   */
  detach(): void;
}

/** What a {@link VirtualBus} has in use; all zero, but for the counts, once everything is closed. */
export interface VirtualBusAudit {
  readonly openDevices: number;
  readonly claimedInterfaces: number;
  /** Submissions that have not completed: buffers that are not the program's. */
  readonly inFlight: number;
  readonly dmaBuffers: number;
  /** Submissions so far. */
  readonly submitted: number;
  /** Completions so far. */
  readonly completed: number;
}

/**
 * A USB bus inside the program: devices, endpoints, bandwidth, descriptors, a frame clock, and
 * faults on cue. Deterministic on a scheduler's time, paced without drift in real time.
 *
 * Each speed has the bandwidth of one bus of its own (USB 2.0, 5.6.4: 90 % of a frame, 80 % of a
 * microframe).
 *
 * @example
 * ```ts
 * import { isochPipe } from "rx-isoch";
 * import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * const bus = new VirtualBus({ devices: [counterDevice()] });
 * isochPipe(bus, { vendorId: 0x1209, endpoint: 0x81 })
 *   .results()
 *   .subscribe((results) => {
 *     console.log(results.firstFrame, results.bytesTransferred);
 *   })
 *   .unsubscribe();
 * ```
 */
export class VirtualBus implements IsochTransport {
  readonly name = "virtual";
  readonly capabilities: TransportCapabilities;
  readonly #engine: BusEngine;
  readonly #context: BusContext;
  readonly #devices = new Map<string, AttachedDevice>();
  readonly #events = new Subject<DeviceEvent>();
  #attached = 0;
  #openDevices = 0;
  #dmaBuffers = 0;
  #nextDmaAddress = 0x1000;

  /** @throws `InvalidRequestError`; `DescriptorError` for a device that has a bad one */
  constructor(options: VirtualBusOptions = {}) {
    const { devices = [], clock = realTimeClock(), asapDelay = 2, capabilities = {} } = options;
    wholeNumber("asapDelay", asapDelay, 0, maxFramesPerRequest);
    this.#engine = new BusEngine(clock);
    this.capabilities = {
      startFrame: capabilities.startFrame ?? true,
      frameNumber: capabilities.frameNumber ?? true,
      lengthsPerFrame: capabilities.lengthsPerFrame ?? true,
      cancel: oneOf("capabilities.cancel", capabilities.cancel ?? "transfer", ["transfer", "pipe", "none"]),
      blocking: (capabilities.blocking ?? true) && this.#engine.canBlock,
      dma: capabilities.dma ?? true,
    };
    this.#context = {
      engine: this.#engine,
      bandwidth: new Bandwidth(),
      counts: { submitted: 0, completed: 0 },
      capabilities: this.capabilities,
      tellFirstFrame: options.tellFirstFrame ?? this.capabilities.frameNumber,
      asapDelay,
      allocateDma: (size) => this.#allocateDma(size),
      left: (device) => {
        this.#remove(device);
      },
    };
    for (const device of devices) this.attach(device);
  }

  /** The time on the bus, in microseconds since it began. */
  get time(): number {
    return this.#engine.time;
  }

  /**
   * Plugs a device in.
   *
   * @throws `DescriptorError`
   */
  attach(device: VirtualDevice): Attachment {
    const attached = new AttachedDevice(`virtual-${++this.#attached}`, device, this.#context);
    this.#devices.set(attached.info.id, attached);
    this.#events.next({ type: "attach", device: attached.info });
    return {
      info: attached.info,
      inject: (...faults) => {
        attached.inject(faults);
      },
      detach: () => {
        attached.leave();
      },
    };
  }

  devices(): Observable<DeviceEvent> {
    return new Observable((subscriber) => {
      // What comes and goes while those present are being told of is told of after them.
      const present = [...this.#devices.values()];
      let meanwhile: DeviceEvent[] | undefined = [];
      subscriber.add(
        this.#events.subscribe({
          next: (event) => {
            if (meanwhile === undefined) subscriber.next(event);
            else meanwhile.push(event);
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
        }),
      );
      for (const { info } of present) subscriber.next({ type: "attach", device: info });
      for (let event = meanwhile.shift(); event !== undefined; event = meanwhile.shift()) subscriber.next(event);
      meanwhile = undefined;
    });
  }

  open(selector: DeviceSelector): Observable<TransportDevice> {
    return defer(() => {
      const found = [...this.#devices.values()].find(({ info }) => matchesSelector(info, selector));
      if (found === undefined) {
        throw new DeviceError("no-such-device", "no device on the virtual bus matches the selector: attach one first");
      }
      this.#openDevices++;
      return of(
        new OpenedDevice(found, () => {
          this.#openDevices--;
        }),
      );
    });
  }

  /** What is in use now. */
  audit(): VirtualBusAudit {
    const { submitted, completed } = this.#context.counts;
    let claimedInterfaces = 0;
    for (const device of this.#devices.values()) claimedInterfaces += device.claimedInterfaces;
    return {
      openDevices: this.#openDevices,
      claimedInterfaces,
      inFlight: submitted - completed,
      dmaBuffers: this.#dmaBuffers,
      submitted,
      completed,
    };
  }

  #remove(device: AttachedDevice): void {
    this.#devices.delete(device.info.id);
    this.#events.next({ type: "detach", device: device.info });
  }

  #allocateDma(size: number): DmaBuffer {
    const bytes = allocate(wholeNumber("the size of a DMA buffer", size, 1, maxBytesPerRequest));
    const address = this.#nextDmaAddress;
    this.#nextDmaAddress += size;
    this.#dmaBuffers++;
    let isFree = false;
    return {
      bytes,
      address,
      free: () => {
        if (isFree) return;
        isFree = true;
        this.#dmaBuffers--;
      },
    };
  }
}
