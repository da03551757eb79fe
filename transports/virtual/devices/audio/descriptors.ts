import {
  concatenate,
  encodeClassInterface,
  encodeConfiguration,
  encodeDevice,
  encodeInterface,
  word,
} from "../../descriptors.js";

export const controlInterface = 0;
export const streamingInterface = 1;
/** The unit with the mute and the volume. */
export const featureUnit = 2;

/** Bytes of a sample of one channel. */
export const sampleBytes = 2;

const inputTerminal = 1;
const outputTerminal = 3;

/** Terminal types (USB Audio Terminal Types 1.0, 2). */
const terminals = { streaming: 0x0101, microphone: 0x0201, speaker: 0x0301 } as const;

/** Bits 2 to 5 of bmAttributes of an isochronous endpoint (USB 2.0, table 9-13). */
export const synchronizations = { asynchronous: 0x04, adaptive: 0x08 } as const;
const feedbackUsage = 0x10;

/** What is streamed, and how. */
export interface AudioStreaming {
  readonly kind: "microphone" | "speaker";
  readonly channels: number;
  readonly sampleRates: readonly number[];
  readonly endpoint: number;
  readonly maxPacketSize: number;
  readonly synchronization: keyof typeof synchronizations;
  /** The endpoint that says how many samples the device takes. */
  readonly feedback?: number | undefined;
}

/** Samples in a packet at most: those of a frame, and one with which to catch up. */
export function mostSamples(samplesPerFrame: number): number {
  return Math.ceil(samplesPerFrame) + 1;
}

/** The device descriptor of a function that its interfaces tell of. */
export function encodeAudioDevice(vendorId: number, productId: number): Uint8Array {
  return encodeDevice({
    usbVersion: 0x0110,
    maxPacketSize0: 64,
    vendorId,
    productId,
    manufacturerIndex: 1,
    productIndex: 2,
    serialNumberIndex: 3,
  });
}

/** The configuration of a device of the USB Audio Class 1.0 with one stream of samples of 16 bits. */
export function encodeAudio(streaming: AudioStreaming): Uint8Array {
  const { endpoint, feedback } = streaming;
  const subclass = [0x01, 0x02, 0x00] as const;
  return encodeConfiguration(
    2,
    encodeInterface(controlInterface, 0, 0, [0x01, 0x01, 0x00]),
    encodeControl(streaming),
    encodeInterface(streamingInterface, 0, 0, subclass),
    encodeInterface(streamingInterface, 1, feedback === undefined ? 1 : 2, subclass),
    encodeFormat(streaming),
    encodeEndpoint(endpoint, synchronizations[streaming.synchronization], streaming.maxPacketSize, 0, feedback),
    // The sampling rate can be set (UAC 1.0, 4.6.1.2).
    Uint8Array.of(7, 0x25, 0x01, 0x01, 0, ...word(0)),
    ...(feedback === undefined ? [] : [encodeEndpoint(feedback, feedbackUsage, 3, 1)]),
  );
}

/** The terminals, with the feature unit between them (UAC 1.0, 4.3.2). */
function encodeControl({ kind, channels }: AudioStreaming): Uint8Array {
  const [source, sink] =
    kind === "microphone" ? [terminals.microphone, terminals.streaming] : [terminals.streaming, terminals.speaker];
  // Left and right, or one that is nowhere.
  const places = channels === 2 ? 0x0003 : 0;
  const input = encodeClassInterface(0x02, ...[inputTerminal, ...word(source), 0, channels, ...word(places), 0, 0]);
  // Mute and volume of all channels together, none of each.
  const unit = encodeClassInterface(
    0x06,
    ...[featureUnit, inputTerminal, 1, 0x03, ...new Array<number>(channels).fill(0), 0],
  );
  const output = encodeClassInterface(0x03, outputTerminal, ...word(sink), 0, featureUnit, 0);
  const total = 9 + input.length + unit.length + output.length;
  const header = encodeClassInterface(0x01, ...word(0x0100), ...word(total), 1, streamingInterface);
  return concatenate(header, input, unit, output);
}

/** PCM, at a few rates (UAC 1.0, 4.5.2; Audio Data Formats 1.0, 2.2.5). */
function encodeFormat({ kind, channels, sampleRates }: AudioStreaming): Uint8Array {
  const terminal = kind === "microphone" ? outputTerminal : inputTerminal;
  const rates = sampleRates.flatMap((rate) => [...word(rate), (rate >> 16) & 0xff]);
  return concatenate(
    encodeClassInterface(0x01, terminal, 1, ...word(0x0001)),
    encodeClassInterface(0x02, 1, channels, sampleBytes, 8 * sampleBytes, sampleRates.length, ...rates),
  );
}

/** An isochronous endpoint with the two fields that the class adds (UAC 1.0, 4.6.1.1). */
function encodeEndpoint(
  address: number,
  attributes: number,
  maxPacketSize: number,
  refresh: number,
  synchAddress = 0,
): Uint8Array {
  return Uint8Array.of(9, 5, address, 0x01 | attributes, ...word(maxPacketSize), 1, refresh, synchAddress);
}
