import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UnsupportedError } from "../../src/index.js";

/**
 * What the addon in `native/` offers to this folder. Bytes, microseconds and libusb's own numbers;
 * an error is a {@link NativeError}.
 */
export interface Addon {
  createContext(): Promise<NativeContext>;
  counters(): LibusbCounters;
  /** Microseconds, monotonic. */
  now(): number;
}

/** What the addon has in use, in all threads of JavaScript of this process together. */
export interface LibusbCounters {
  readonly contexts: number;
  /** Event threads. */
  readonly threads: number;
  /** Open devices. */
  readonly handles: number;
  readonly transfers: number;
  /** Of those, how many the system has. */
  readonly inFlight: number;
  /** Buffers of streams, those among them that the program has and has not dropped yet. */
  readonly buffers: number;
  readonly dmaBuffers: number;
}

/** What libusb returned, and the errno behind it (0 for none). */
export interface NativeOutcome {
  /** Of `enum libusb_error`. */
  readonly libusb: number;
  readonly errno: number;
}

/** An error of the addon. */
export type NativeError = Error & NativeOutcome;

/** A device came or went. */
export interface DeviceChange {
  readonly arrived: boolean;
  readonly bus: number;
  readonly address: number;
}

/** What the system knows of a device. */
export interface NativeDeviceInfo {
  readonly bus: number;
  readonly address: number;
  /** Ports from the root hub to the device; none for a root hub. */
  readonly ports: readonly number[];
  /** Of `enum libusb_speed`. */
  readonly speed: number;
  readonly descriptor: Uint8Array;
  readonly configurations: readonly Uint8Array[];
  readonly manufacturer: string | undefined;
  readonly product: string | undefined;
  readonly serialNumber: string | undefined;
}

/** A libusb context and its event thread. */
export interface NativeContext {
  devices(): Promise<readonly NativeDeviceInfo[]>;
  /** `ring` is called, on the loop, when something has happened to the device or on it. */
  open(bus: number, address: number, ring: () => void): Promise<NativeDevice>;
  /** Calls `ring` when there are changes, until it is called without. */
  watch(ring?: () => void): void;
  /** The changes since the last call. */
  changes(): readonly DeviceChange[];
  /** Closes what is open, and ends the thread. */
  close(): Promise<void>;
}

/** An open device. One call that returns a promise at a time. */
export interface NativeDevice {
  /** It was unplugged. */
  readonly gone: boolean;
  configuration(): Promise<number>;
  claim(interfaceNumber: number, detachKernelDriver: boolean): Promise<void>;
  release(interfaceNumber: number): Promise<void>;
  selectAlternate(interfaceNumber: number, alternateSetting: number): Promise<void>;
  clearHalt(endpointAddress: number): Promise<void>;
  reset(): Promise<void>;
  controlIn(requestType: number, request: number, value: number, index: number, length: number): Promise<Uint8Array>;
  controlOut(requestType: number, request: number, value: number, index: number, data: Uint8Array): Promise<void>;
  allocateDma(size: number): { readonly buffer: ArrayBuffer; readonly address: number };
  /** Detaches the buffer, and with that gives the memory back. */
  freeDma(buffer: ArrayBuffer): void;
  /** At most about so many bytes and frames are in flight at a time. */
  openQueue(endpointAddress: number, windowBytes: number, windowFrames: number): NativeRequestQueue;
  openStream(
    endpointAddress: number,
    frameLength: number,
    frames: number,
    queue: number,
    ring: number,
    batch: number,
    overflow: string,
    frameDuration: number,
  ): NativeStream;
  close(): Promise<void>;
}

/** The requests on an endpoint. */
export interface NativeRequestQueue {
  submit(lengths: Uint32Array, buffer: Uint8Array): number;
  cancel(id: number): void;
  /** Cancels all requests, and takes no others: LIBUSB_ERROR_INTERRUPTED. */
  shut(): void;
  /** Takes the oldest request off the queue, if it is done, and fills in what became of its frames. */
  reap(actual: Uint32Array, statuses: Uint8Array): NativeRequestOutcome | undefined;
  /** Blocks until the oldest request is done, for so many milliseconds at most; whether it is. */
  wait(milliseconds: number): boolean;
}

/** How a request went; `libusb` is 0 if the endpoint can go on. */
export interface NativeRequestOutcome extends NativeOutcome {
  readonly timestamp: number;
  readonly cancelled: boolean;
}

/** A running IN stream. */
export interface NativeStream {
  /**
   * The bytes of the oldest result, contiguous, or `undefined`. One call of few arguments: crossing
   * over costs more than what it carries.
   *
   * @param actual bytes moved, per frame, for as many frames as a transfer has
   * @param statuses as many; see `statuses.ts`
   * @param header {@link streamHeader}
   */
  take(actual: Uint32Array, statuses: Uint8Array, header: Float64Array): ArrayBuffer | undefined;
  stop(): void;
  /** Ends the stream with LIBUSB_ERROR_INTERRUPTED; what has arrived can still be taken. */
  shut(): void;
  /** Set when nothing more will come, and all was taken. */
  readonly ended: (NativeOutcome & { readonly overflown: boolean }) | undefined;
  /** It was stopped, and nothing is in flight. */
  readonly drained: boolean;
}

/** Where {@link NativeStream.take} puts what it says of a result, in numbers; truth is 1. */
export const streamHeader = {
  /** Frames; 0 for a loss that nothing follows. */
  length: 0,
  firstFrame: 1,
  lost: 2,
  timestamp: 3,
  cancelled: 4,
  gone: 5,
  /** The statuses were filled in; without, all frames are good. */
  flawed: 6,
  /** Another result waits, or the stream has ended. */
  more: 7,
  count: 8,
} as const;

let loaded: Addon | undefined;

/**
 * Loads the addon at the first call.
 *
 * @throws {@link UnsupportedError} `no-addon`
 */
export function loadAddon(): Addon {
  try {
    return (loaded ??= load());
  } catch (cause) {
    throw new UnsupportedError("no-addon", `the libusb addon ${fault(cause)}; ${remedy()}`, { cause });
  }
}

const require = createRequire(import.meta.url);

function load(): Addon {
  const nodeGypBuild = require("node-gyp-build") as (directory: string) => Addon;
  return nodeGypBuild(nativeDirectory());
}

function fault(cause: unknown): string {
  const target = `${process.platform}-${process.arch}`;
  const isDamaged = cause instanceof Error && "code" in cause && cause.code === "ERR_DLOPEN_FAILED";
  return isDamaged ? `for ${target} does not load (${cause.message})` : `is not there for ${target}`;
}

/**
 * What gets the addon whatever installed the package: npm and its kin run no script of a package that
 * was not approved, and leave optional packages out when told to.
 */
function remedy(): string {
  const missing = ["node-addon-api", "node-gyp-build", "usb"].filter((name) => !isInstalled(name));
  const install = missing.length === 0 ? "" : `run npm install --include=optional (without: ${missing.join(", ")}), `;
  if (!isInstalled("rx-isoch")) return "install rx-isoch itself beside the bundle it is in";
  const script = join(nativeDirectory(), "build.mjs");
  return `${install}install a C++ compiler, make and Python 3, then run: node "${script}"; all else works without it`;
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** The sources and the binaries of the addon, by the package's name: in a bundle too, where it is installed. */
function nativeDirectory(): string {
  return join(dirname(require.resolve("rx-isoch/package.json")), "transports/libusb/native");
}
