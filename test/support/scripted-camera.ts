import type { ControlSetup } from "../../src/index.js";
import { concatenate, encodeConfiguration, encodeDevice } from "../../transports/virtual/descriptors.js";
import type { VirtualDevice, VirtualInEndpoint } from "../../transports/virtual/index.js";

export const cameraIds = { vendorId: 0x1209, productId: 0x0ca3 } as const;
/** Interface numbers: VideoControl and VideoStreaming. */
export const control = 0;
export const streaming = 1;
/** wMaxPacketSize of the endpoint, by alternate setting. */
export const alternates = { 1: 16, 2: 32, 3: 64 } as const;
export const cameraEndpoint = 0x81;

const setCur = 0x01;
const gets: Readonly<Record<number, string>> = { 0x81: "cur", 0x82: "min", 0x83: "max", 0x87: "def" };

/** What a {@link ScriptedCamera} does otherwise than a camera should. */
export interface CameraScript {
  /** bcdUVC. Default: 0x0110. */
  readonly version?: number;
  /** Bytes of its answers to GET requests. Default: all of the version. */
  readonly answers?: number;
  /** Bytes that it takes in SET_CUR. Default: as many as it answers. */
  readonly takes?: number;
  /** dwMaxPayloadTransferSize. Default: 30. */
  readonly payloadSize?: number;
  /** Requests that it refuses: `def probe`, `set commit`. */
  readonly refuses?: readonly string[];
  /** What it makes of bytes that were set. */
  readonly agrees?: (fields: DataView) => void;
  /** The alternate setting in which a program that crashed left it. Default: 0. */
  readonly alternate?: number;
  /** Packets, by the number of the frame since the alternate setting was selected. Default: pictures. */
  readonly packet?: (index: number) => readonly number[];
  /** Replaces the configuration. */
  readonly configuration?: Uint8Array;
}

/** Bytes of a picture of 4 × 2: the second line of it is `picture + 1`. */
export function pictureOf(picture: number): number[] {
  return [...Array<number>(8).fill(picture), ...Array<number>(8).fill(picture + 1)];
}

/** A picture in two packets, a third one empty. */
function picturePacket(index: number): readonly number[] {
  const picture = Math.floor(index / 3);
  const id = 0x80 | (picture % 2);
  const bytes = pictureOf(picture % 256);
  return [[2, id, ...bytes.slice(0, 8)], [2, id | 2, ...bytes.slice(8)], []][index % 3] ?? [];
}

/**
 * A camera at full speed that is strict about the order of things: it refuses a probe while it streams, a commit of
 * what was not probed, controls of a wrong length, and to stream what was not committed.
 */
export class ScriptedCamera implements VirtualDevice {
  readonly speed = "full";
  readonly deviceDescriptor = encodeDevice({ usbVersion: 0x0200, maxPacketSize0: 64, ...cameraIds });
  readonly configurationDescriptor: Uint8Array;
  /** Control requests and alternate settings, in order. */
  readonly log: string[] = [];
  readonly #script: CameraScript;
  readonly #length: number;
  #probed: Uint8Array;
  #committed = false;
  #alternate: number;
  #first: number | undefined;

  constructor(script: CameraScript = {}) {
    const { version = 0x0110 } = script;
    this.#script = script;
    this.#alternate = script.alternate ?? 0;
    this.#length = version >= 0x0150 ? 48 : version >= 0x0110 ? 34 : 26;
    this.#probed = this.#complete(new Uint8Array(this.#length));
    this.configurationDescriptor = script.configuration ?? encodeCamera(version);
  }

  endpoint(address: number): VirtualInEndpoint | undefined {
    if (address !== cameraEndpoint) return undefined;
    return {
      direction: "in",
      produce: (frame, buffer, offset, capacity) => {
        this.#first ??= frame;
        const packet = (this.#script.packet ?? picturePacket)(frame - this.#first);
        buffer.set(packet.slice(0, capacity), offset);
        return Math.min(packet.length, capacity);
      },
    };
  }

  alternateSelected(interfaceNumber: number, alternate: number): void {
    if (interfaceNumber !== streaming) return;
    this.log.push(`alternate ${alternate}`);
    if (alternate !== 0 && !this.#committed) throw new Error("streams without a commit");
    if (alternate === 0) this.#committed = false;
    this.#alternate = alternate;
    this.#first = undefined;
  }

  control({ type, recipient, direction, request, value, index }: ControlSetup, data: number | Uint8Array) {
    const selector = { 0x0100: "probe", 0x0200: "commit" }[value];
    if (type !== "class" || recipient !== "interface" || index !== streaming || selector === undefined)
      return undefined;
    const verb = request === setCur ? "set" : gets[request];
    const name = `${verb ?? "?"} ${selector}`;
    this.log.push(name);
    if (verb === undefined || this.#alternate !== 0 || this.#script.refuses?.includes(name) === true) return undefined;
    if (typeof data === "number") return direction === "in" ? this.#answer(verb, data) : undefined;
    if (direction !== "out" || data.length !== (this.#script.takes ?? this.#script.answers ?? this.#length))
      return undefined;
    return selector === "probe" ? this.#probe(data) : this.#commit(data);
  }

  #answer(verb: string, asked: number): Uint8Array | undefined {
    if (asked !== this.#length) return undefined;
    const bytes = verb === "cur" ? this.#probed : this.#complete(new Uint8Array(this.#length));
    return bytes.slice(0, this.#script.answers ?? this.#length);
  }

  #probe(data: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    bytes.set(data);
    this.#probed = this.#complete(bytes);
    this.#script.agrees?.(new DataView(this.#probed.buffer));
    return new Uint8Array(0);
  }

  #commit(data: Uint8Array): Uint8Array | undefined {
    // What comes after dwFrameInterval is the device's.
    if (data.subarray(2, 8).some((byte, i) => byte !== this.#probed[2 + i])) return undefined;
    this.#committed = true;
    return new Uint8Array(0);
  }

  #complete(bytes: Uint8Array): Uint8Array {
    const fields = new DataView(bytes.buffer);
    fields.setUint32(18, 16, true);
    fields.setUint32(22, this.#script.payloadSize ?? 30, true);
    if (bytes.length >= 34) fields.setUint32(26, 1_000_000, true);
    return bytes;
  }
}

function encodeCamera(version: number): Uint8Array {
  const formats = concatenate(
    uncompressed(1, "YUY2", 2),
    frame(5, 1, 4, 2, [333_333, 666_666]),
    frame(5, 2, 8, 4, [333_333]),
    Uint8Array.of(11, 0x24, 6, 2, 1, 1, 1, 0, 0, 0, 0),
    frame(7, 1, 16, 8, [333_333]),
  );
  return encodeConfiguration(
    2,
    Uint8Array.of(8, 0x0b, 0, 2, 0x0e, 3, 0, 0),
    Uint8Array.of(9, 4, control, 0, 0, 0x0e, 1, 0, 0),
    Uint8Array.of(13, 0x24, 1, ...word(version), ...word(13 + 18 + 9), ...long(48_000_000), 1, streaming),
    Uint8Array.of(18, 0x24, 2, 1, ...word(0x0201), 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0),
    Uint8Array.of(9, 0x24, 3, 2, ...word(0x0101), 0, 1, 0),
    Uint8Array.of(9, 4, streaming, 0, 0, 0x0e, 2, 0, 0),
    Uint8Array.of(15, 0x24, 1, 2, ...word(15 + formats.length), cameraEndpoint, 0, 2, 0, 0, 0, 1, 0, 0),
    formats,
    ...Object.entries(alternates).flatMap(([alternate, size]) => [
      Uint8Array.of(9, 4, streaming, Number(alternate), 1, 0x0e, 2, 0, 0),
      Uint8Array.of(7, 5, cameraEndpoint, 5, ...word(size), 1),
    ]),
  );
}

function uncompressed(index: number, fourcc: string, sizes: number): Uint8Array {
  const tail = [0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
  const guid = Array.from({ length: 4 }, (_, i) => fourcc.charCodeAt(i));
  return Uint8Array.of(27, 0x24, 4, index, sizes, ...guid, ...tail, 16, 1, 0, 0, 0, 0);
}

function frame(subtype: number, index: number, width: number, height: number, intervals: readonly number[]) {
  return Uint8Array.of(
    26 + 4 * intervals.length,
    0x24,
    subtype,
    index,
    0,
    ...word(width),
    ...word(height),
    ...long(1000),
    ...long(2000),
    ...long(2 * width * height),
    ...long(intervals[0] ?? 0),
    intervals.length,
    ...intervals.flatMap(long),
  );
}

function word(value: number): number[] {
  return [value & 0xff, value >> 8];
}

function long(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}
