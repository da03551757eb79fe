import type {
  Addon,
  NativeContext,
  NativeDevice,
  NativeDeviceInfo,
  NativeError,
  NativeRequestQueue,
  NativeStream,
} from "../../../transports/libusb/addon.js";
import { sonyPlaystationEye } from "../../fixtures/descriptors/index.js";

/*
 * The addon, and what it hands out, for what the real one cannot be made to do. Everything goes well,
 * but for what a test says.
 */

/** What the addon throws. */
export function nativeError(libusb: number, errno = 0): NativeError {
  return Object.assign(new Error(`libusb error ${libusb}`), { libusb, errno });
}

/** A camera whose interface 2 has the isochronous endpoint 0x84 in alternate setting 1. */
export const camera: NativeDeviceInfo = {
  bus: 1,
  address: 5,
  ports: [2],
  speed: 3,
  descriptor: sonyPlaystationEye.device,
  configurations: [sonyPlaystationEye.configuration],
  manufacturer: undefined,
  product: sonyPlaystationEye.name,
  serialNumber: "0001",
};

export function stubbedStream(changes: Partial<NativeStream> = {}): NativeStream {
  return {
    take: () => undefined,
    stop: () => undefined,
    shut: () => undefined,
    ended: undefined,
    drained: false,
    ...changes,
  };
}

/** Requests on it stay in flight. */
export function stubbedQueue(changes: Partial<NativeRequestQueue> = {}): NativeRequestQueue {
  return {
    submit: () => 1,
    cancel: () => undefined,
    shut: () => undefined,
    reap: () => undefined,
    wait: () => false,
    ...changes,
  };
}

export function stubbedDevice(changes: Partial<NativeDevice> = {}): NativeDevice {
  const nothing = () => Promise.resolve();
  return {
    gone: false,
    configuration: () => Promise.resolve(1),
    claim: nothing,
    release: nothing,
    selectAlternate: nothing,
    clearHalt: nothing,
    reset: nothing,
    controlIn: () => Promise.resolve(new Uint8Array(0)),
    controlOut: nothing,
    allocateDma: (size) => ({ buffer: new ArrayBuffer(size), address: 1 }),
    freeDma: () => undefined,
    openQueue: () => stubbedQueue(),
    openStream: () => stubbedStream(),
    close: nothing,
    ...changes,
  };
}

export function stubbedContext(changes: Partial<NativeContext> = {}): NativeContext {
  return {
    devices: () => Promise.resolve([camera]),
    open: () => Promise.resolve(stubbedDevice()),
    watch: () => undefined,
    changes: () => [],
    close: () => Promise.resolve(),
    ...changes,
  };
}

export function stubbedAddon(context: NativeContext): Addon {
  return {
    createContext: () => Promise.resolve(context),
    counters: () => ({ contexts: 0, threads: 0, handles: 0, transfers: 0, inFlight: 0, buffers: 0, dmaBuffers: 0 }),
    now: () => 0,
  };
}
