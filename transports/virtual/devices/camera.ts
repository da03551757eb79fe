import { InvalidRequestError, type ControlSetup } from "../../../src/index.js";
import { oneOf } from "../../../src/numbers.js";
import { encodeDevice } from "../descriptors.js";
import type { VirtualDevice, VirtualInEndpoint } from "../device-model.js";
import { encodeCamera, streamingInterface, type UvcVersion } from "./camera/descriptors.js";
import { alternateSizes, cameraFrames, type CameraMode } from "./camera/modes.js";
import { Negotiation } from "./camera/negotiation.js";
import { PictureSource, type PictureCounts } from "./camera/picture-source.js";
import { cameraFormats, type CameraFormat } from "./camera/test-card.js";
import { checkClockPpm } from "./clock-ppm.js";

/** How a {@link cameraDevice} is made. */
export interface CameraDeviceOptions {
  /** bcdUVC: the version of the USB Video Class that it speaks. Default: 0x0110. */
  readonly uvcVersion?: UvcVersion | undefined;
  /** What it offers, the first being its default. Default: `["yuy2", "mjpeg", "nv12"]`. */
  readonly formats?: readonly CameraFormat[] | undefined;
  /** How much faster the device's clock runs than the bus, in parts per million; slower where negative. Default: 0. */
  readonly clockPpm?: number | undefined;
  /**
   * What it sends in packets between two pictures: the header of a payload without data, or nothing. There are cameras
   * of either kind. Default: `header`.
   */
  readonly idle?: "header" | "empty" | undefined;
  readonly serialNumber?: string | undefined;
}

/** Numbers of the camera. */
export const cameraProtocol = {
  vendorId: 0x1209,
  productId: 0x0002,
  /** Sends payloads of pictures. */
  endpoint: 0x81,
  /** The interface that {@link cameraProtocol.endpoint} belongs to. */
  streamingInterface,
  /** Bytes in a microframe of alternate settings 1, 2, … of that interface. */
  alternateSizes,
} as const;

const versions: readonly UvcVersion[] = [0x0100, 0x0110, 0x0150];

/** @throws {@link InvalidRequestError} */
function checkFormats(formats: readonly CameraFormat[]): readonly CameraFormat[] {
  for (const format of formats) oneOf("formats", format, cameraFormats);
  if (formats.length > 0 && new Set(formats).size === formats.length) return [...formats];
  throw new InvalidRequestError("invalid-option", "formats must name one format or more, none of them twice");
}

/**
 * A camera of the USB Video Class at high speed, whose pictures are {@link testCard}s: 320 × 240, 640 × 480 and
 * 1280 × 720 at 30, 15, 10 and 5 pictures a second, as far as the bus has room for them.
 *
 * Picture 0 is taken when the host asks for its first packet, and one in each interval from then on, by
 * the device's clock. A picture that was begun is sent to its end; what is taken meanwhile is skipped, which its number
 * shows.
 */
export class CameraDevice implements VirtualDevice {
  readonly speed = "high";
  readonly deviceDescriptor: Uint8Array;
  readonly configurationDescriptor: Uint8Array;
  readonly strings: readonly string[];
  readonly #negotiation: Negotiation;
  readonly #source: PictureSource;

  constructor(options: CameraDeviceOptions) {
    const { uvcVersion = 0x0110, clockPpm = 0, idle = "header", serialNumber = "0001" } = options;
    if (!versions.includes(uvcVersion)) {
      throw new InvalidRequestError("invalid-option", "uvcVersion must be one of 0x0100, 0x0110, 0x0150");
    }
    const formats = cameraFrames(checkFormats(options.formats ?? ["yuy2", "mjpeg", "nv12"]));
    this.strings = ["rx-isoch", "camera", serialNumber];
    this.deviceDescriptor = encodeDevice({
      usbVersion: 0x0200,
      maxPacketSize0: 64,
      vendorId: cameraProtocol.vendorId,
      productId: cameraProtocol.productId,
      // Its functions are told by interface associations.
      deviceClass: 0xef,
      deviceSubclass: 0x02,
      deviceProtocol: 0x01,
      manufacturerIndex: 1,
      productIndex: 2,
      serialNumberIndex: 3,
    });
    this.configurationDescriptor = encodeCamera(uvcVersion, formats, cameraProtocol.endpoint);
    this.#negotiation = new Negotiation(uvcVersion, formats);
    this.#source = new PictureSource(checkClockPpm(clockPpm), oneOf("idle", idle, ["header", "empty"]));
  }

  /** What the host has settled for; the default of the device until then. */
  get mode(): CameraMode {
    return this.#negotiation.committed;
  }

  /** The pictures of the stream that runs, or ran last. */
  get statistics(): PictureCounts {
    return this.#source.counts;
  }

  endpoint(address: number): VirtualInEndpoint | undefined {
    return address === cameraProtocol.endpoint ? this.#source : undefined;
  }

  alternateSelected(interfaceNumber: number, alternate: number): void {
    const packetSize = alternateSizes[alternate - 1];
    if (interfaceNumber !== streamingInterface || packetSize === undefined) return;
    this.#source.start(this.#negotiation.committed, packetSize);
  }

  control(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    return setup.type === "class" ? this.#negotiation.answer(setup, data) : undefined;
  }
}

/**
 * Makes a {@link CameraDevice}.
 *
 * @throws `InvalidRequestError` for options that are none
 *
 * @example
 * ```ts
 * import { cameraDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * const camera = cameraDevice({ formats: ["mjpeg"] });
 * const bus = new VirtualBus({ devices: [camera] });
 * console.log(bus.time, camera.mode.width);
 * ```
 */
export function cameraDevice(options: CameraDeviceOptions = {}): CameraDevice {
  return new CameraDevice(options);
}
