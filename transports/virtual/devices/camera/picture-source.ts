import type { VirtualInEndpoint } from "../../device-model.js";
import { clockFrequency } from "./descriptors.js";
import { payloadHeaderLength, payloadSizeOf, type CameraMode } from "./modes.js";
import { TestCardPainter } from "./test-card.js";

/** Bits of bmHeaderInfo (UVC 1.5, 2.4.3.3). */
const headerBits = { frameId: 0x01, endOfFrame: 0x02, timeStamps: 0x0c, endOfHeader: 0x80 } as const;

/** In units of 100 ns. */
const microframe = 1250;

const ticksPerUnit = clockFrequency / 1e7;

/** What went out of a {@link PictureSource} since its stream began. */
export interface PictureCounts {
  /** Pictures that were sent, or are being sent. */
  readonly pictures: number;
  /** Pictures that were taken while another was still on its way, and never sent. */
  readonly skipped: number;
}

/**
 * The IN endpoint. The device's clock takes a picture in each interval, the first when the host asks for
 * its first packet. Each goes out whole, a payload in each packet that the host asks for; then
 * the latest that was taken since.
 */
export class PictureSource implements VirtualInEndpoint {
  readonly direction = "in";
  readonly #rate: number;
  readonly #idle: "header" | "empty";
  readonly #header = new Uint8Array(payloadHeaderLength);
  readonly #view = new DataView(this.#header.buffer);
  #painter: { readonly mode: CameraMode; readonly painter: TestCardPainter } | undefined;
  #payloadSize = 0;
  #interval = 0;
  #first: number | undefined;
  #sequence = -1;
  #picture: Uint8Array = new Uint8Array(0);
  #sent = 0;
  #frameId = 0;
  #pictures = 0;

  constructor(clockPpm: number, idle: "header" | "empty") {
    this.#rate = 1 + clockPpm / 1e6;
    this.#idle = idle;
  }

  get counts(): PictureCounts {
    return { pictures: this.#pictures, skipped: this.#sequence + 1 - this.#pictures };
  }

  /** A stream begins, of payloads that fit in packets of that size. */
  start(mode: CameraMode, packetSize: number): void {
    const known = this.#painter;
    const isSame =
      known?.mode.format === mode.format && known.mode.width === mode.width && known.mode.height === mode.height;
    if (!isSame) this.#painter = { mode, painter: new TestCardPainter(mode.format, mode.width, mode.height) };
    this.#payloadSize = Math.min(payloadSizeOf(mode.maxSize, mode.interval), packetSize);
    this.#interval = mode.interval;
    this.#first = undefined;
    this.#sequence = -1;
    this.#picture = new Uint8Array(0);
    this.#sent = this.#pictures = 0;
    // The first picture has 0.
    this.#frameId = 1;
  }

  produce(frame: number, buffer: Uint8Array, offset: number, capacity: number): number {
    this.#first ??= frame;
    const now = (frame - this.#first) * microframe * this.#rate;
    if (this.#sent === this.#picture.length) this.#takeNext(Math.floor(now / this.#interval));
    const length = Math.min(this.#picture.length - this.#sent, this.#payloadSize - payloadHeaderLength);
    if (length === 0 && this.#idle === "empty") return 0;
    const packet = payloadHeaderLength + length;
    const room = Math.min(capacity, packet);
    this.#writeHeader(frame, length);
    buffer.set(room < payloadHeaderLength ? this.#header.subarray(0, room) : this.#header, offset);
    if (room > payloadHeaderLength) {
      const end = this.#sent + room - payloadHeaderLength;
      buffer.set(this.#picture.subarray(this.#sent, end), offset + payloadHeaderLength);
    }
    this.#sent += length;
    return packet;
  }

  #takeNext(latest: number): void {
    if (latest === this.#sequence || this.#painter === undefined) return;
    this.#sequence = latest;
    this.#pictures++;
    this.#picture = this.#painter.painter.paint(latest);
    this.#sent = 0;
    this.#frameId ^= 1;
    // When the picture was taken. The clock has 32 bits.
    this.#view.setUint32(2, this.#ticks(latest * this.#interval), true);
  }

  #writeHeader(frame: number, length: number): void {
    const isLast = length > 0 && this.#sent + length === this.#picture.length;
    this.#header[0] = payloadHeaderLength;
    this.#header[1] =
      headerBits.endOfHeader |
      headerBits.timeStamps |
      (isLast ? headerBits.endOfFrame : 0) |
      (this.#frameId === 1 ? headerBits.frameId : 0);
    // The clock of the device, and the number of the frame of the bus, at the same time.
    this.#view.setUint32(6, this.#ticks((frame - (this.#first ?? frame)) * microframe * this.#rate), true);
    this.#view.setUint16(10, (frame >> 3) & 0x7ff, true);
  }

  #ticks(time: number): number {
    return Math.floor(time * ticksPerUnit) % 2 ** 32;
  }
}
