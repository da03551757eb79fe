import { concatenate, encodeClassInterface, encodeConfiguration, encodeInterface, word } from "../../../descriptors.js";
import {
  controlInterface,
  endpointAttributes,
  featureUnit,
  inputTerminal,
  locations,
  outputTerminal,
  sampleBytes,
  streamingInterface,
  terminalTypes,
  type AudioStreaming,
} from "../layout.js";

/** The configuration of a device of the USB Audio Class 1.0 with one stream of samples of 16 bits. */
export function encodeUac1(streaming: AudioStreaming): Uint8Array {
  const { endpoint, feedback, synchronization, maxPacketSize } = streaming;
  const subclass = [0x01, 0x02, 0x00] as const;
  return encodeConfiguration(
    2,
    encodeInterface(controlInterface, 0, 0, [0x01, 0x01, 0x00]),
    encodeControl(streaming),
    encodeInterface(streamingInterface, 0, 0, subclass),
    encodeInterface(streamingInterface, 1, feedback === undefined ? 1 : 2, subclass),
    encodeFormat(streaming),
    encodeEndpoint(endpoint, endpointAttributes[synchronization], maxPacketSize, 0, feedback?.endpoint),
    // The sampling rate can be set (UAC 1.0, 4.6.1.2).
    Uint8Array.of(7, 0x25, 0x01, 0x01, 0, ...word(0)),
    ...(feedback === undefined ? [] : [encodeEndpoint(feedback.endpoint, endpointAttributes.feedback, 3, 1)]),
  );
}

/** The terminals, with the feature unit between them (UAC 1.0, 4.3.2). */
function encodeControl({ kind, channels }: AudioStreaming): Uint8Array {
  const [source, sink] = terminalTypes(kind);
  const input = encodeClassInterface(
    0x02,
    ...[inputTerminal, ...word(source), 0, channels, ...word(locations(channels)), 0, 0],
  );
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
  return Uint8Array.of(9, 5, address, attributes, ...word(maxPacketSize), 1, refresh, synchAddress);
}
