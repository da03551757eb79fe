import type { VirtualDevice, VirtualInEndpoint } from "rx-isoch/transports/virtual";
import { demo, endOfPicture, headerSize, pictureId, pictureSize } from "./protocol.js";

/** Microframes in a second, at high speed. */
const microframes = 8000;
const packetsPerPicture = microframes / demo.camera.picturesPerSecond;
const pixelBytesPerPacket = pictureSize / packetsPerPicture;
const samplesPerPacket = demo.microphone.sampleRate / 1000;

const word = (value: number) => [value & 0xff, value >> 8];
const vendorInterface = (number: number, alternate: number, endpoints: number) => [
  ...[9, 4, number, alternate, endpoints],
  ...[0xff, 0, 0, 0],
];
const isochEndpoint = (address: number, size: number, interval: number) => [
  7,
  5,
  address,
  0x05,
  ...word(size),
  interval,
];

/**
 * A high-speed device with a camera, 320 × 240 pixels of YUY2, 25 times a second, and a microphone,
 * 16 bits, 48 kHz, mono. It stands in for a real one: every byte crosses a bus as isochronous packets.
 */
export class DemoDevice implements VirtualDevice {
  readonly speed = "high";
  readonly strings = ["rx-isoch", "demonstration camera", "0001"];
  readonly deviceDescriptor = Uint8Array.of(
    ...[18, 1, ...word(0x0200), 0, 0, 0, 64],
    ...[...word(demo.vendorId), ...word(demo.productId), ...word(0x0100), 1, 2, 3, 1],
  );
  readonly configurationDescriptor: Uint8Array;
  readonly #camera = new Camera();
  readonly #microphone = new Microphone();

  constructor() {
    const parts = [
      ...vendorInterface(0, 0, 0),
      ...vendorInterface(0, 1, 1),
      ...isochEndpoint(demo.camera.endpoint, 512, 1),
      ...vendorInterface(1, 0, 0),
      ...vendorInterface(1, 1, 1),
      // Every eighth microframe.
      ...isochEndpoint(demo.microphone.endpoint, 2 * samplesPerPacket, 4),
    ];
    this.configurationDescriptor = Uint8Array.of(9, 2, ...word(9 + parts.length), 2, 1, 0, 0x80, 50, ...parts);
  }

  endpoint(address: number): VirtualInEndpoint | undefined {
    if (address === demo.camera.endpoint) return this.#camera;
    return address === demo.microphone.endpoint ? this.#microphone : undefined;
  }
}

/** Y, U and V of the bars of the test picture: white, yellow, cyan, green, magenta, red, blue, grey. */
const bars = [
  [200, 128, 128],
  [168, 44, 136],
  [145, 147, 44],
  [133, 63, 52],
  [63, 193, 204],
  [51, 109, 212],
  [28, 212, 120],
  [96, 128, 128],
] as const;

class Camera implements VirtualInEndpoint {
  readonly direction = "in";

  produce(frame: number, buffer: Uint8Array, offset: number): number {
    const picture = Math.floor(frame / packetsPerPicture);
    const packet = frame % packetsPerPicture;
    const end = packet === packetsPerPicture - 1 ? endOfPicture : 0;
    buffer[offset] = headerSize;
    buffer[offset + 1] = (picture & pictureId) | end;
    this.#draw(picture, packet * pixelBytesPerPacket, buffer, offset + headerSize);
    return headerSize + pixelBytesPerPacket;
  }

  /** Colour bars that wander, with a ball that bounces before them. */
  #draw(picture: number, from: number, buffer: Uint8Array, offset: number): void {
    const { width, height } = demo.camera;
    const radius = 34;
    const ballX = radius + bounce(picture * 3, width - 2 * radius);
    const ballY = radius + bounce(picture * 4, height - 2 * radius);
    for (let i = 0; i < pixelBytesPerPacket; i += 4) {
      const pixel = (from + i) >> 1;
      const x = pixel % width;
      const y = Math.floor(pixel / width);
      const [luma, u, v] = bars[((x + picture) >> 4) % bars.length] ?? bars[0];
      const distance = Math.hypot(x - ballX, y - ballY);
      const isBall = distance < radius;
      const light = isBall
        ? 235 - 150 * (Math.hypot(x - ballX + 12, y - ballY + 12) / radius / 1.5)
        : luma * (0.55 + (0.45 * y) / height);
      buffer[offset + i] = light;
      buffer[offset + i + 1] = isBall ? 104 : u;
      buffer[offset + i + 2] = light;
      buffer[offset + i + 3] = isBall ? 176 : v;
    }
  }
}

function bounce(distance: number, range: number): number {
  const at = distance % (2 * range);
  return at < range ? at : 2 * range - at;
}

/** Two notes that beat, and slowly swell and fade. */
class Microphone implements VirtualInEndpoint {
  readonly direction = "in";

  produce(frame: number, buffer: Uint8Array, offset: number): number {
    for (let i = 0; i < samplesPerPacket; i++) {
      const time = (frame * samplesPerPacket + i) / demo.microphone.sampleRate;
      const swell = 0.55 + 0.4 * Math.sin(2 * Math.PI * 0.4 * time);
      const tone = 0.65 * Math.sin(2 * Math.PI * 196 * time) + 0.35 * Math.sin(2 * Math.PI * 588.7 * time);
      const sample = Math.round(32_000 * swell * tone);
      buffer[offset + 2 * i] = sample & 0xff;
      buffer[offset + 2 * i + 1] = (sample >> 8) & 0xff;
    }
    return 2 * samplesPerPacket;
  }
}
