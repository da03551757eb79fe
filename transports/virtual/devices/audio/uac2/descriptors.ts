import {
  concatenate,
  doubleWord,
  encodeAssociation,
  encodeClassInterface,
  encodeConfiguration,
  encodeInterface,
  word,
  type InterfaceClass,
} from "../../../descriptors.js";
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
import { clockIds, selectorPins } from "./clocks.js";

/** bFunctionProtocol and bInterfaceProtocol (UAC 2.0, A.3 and A.6). */
const release = 0x20;
const control: InterfaceClass = [0x01, 0x01, release];
const streaming: InterfaceClass = [0x01, 0x02, release];

/** The interface after the streaming one, and its terminals: what captures on the same clock. */
const captureInterface = streamingInterface + 1;
const lineInput = 4;
const captureOutput = 5;

/** Terminal types of what captures: a line connector, with nothing on it, and the stream. */
const captureTypes = { line: 0x0603, streaming: 0x0101 } as const;

/** bCategory of the function (UAC 2.0, A.7). */
const categories = { speaker: 0x01, microphone: 0x03 } as const;

/** Indices of the strings that name the clocks. */
export interface ClockStrings {
  readonly internal: number;
  readonly external: number;
}

/** The configuration of a device of the USB Audio Class 2.0 with streams of samples of 16 bits. */
export function encodeUac2(audio: AudioStreaming, hasExternalClock: boolean, strings: ClockStrings): Uint8Array {
  const { kind, channels, endpoint, synchronization, feedback } = audio;
  const isImplicit = feedback?.type === "implicit";
  const interfaces = isImplicit ? 3 : 2;
  const clock = hasExternalClock ? clockIds.selector : clockIds.internal;
  const [input, output] = terminalTypes(kind);
  const terminals = [
    encodeInputTerminal(inputTerminal, input, clock, channels),
    encodeFeatureUnit(channels),
    encodeOutputTerminal(outputTerminal, output, clock, featureUnit),
    ...(isImplicit
      ? [
          encodeInputTerminal(lineInput, captureTypes.line, clock, channels),
          encodeOutputTerminal(captureOutput, captureTypes.streaming, clock, lineInput),
        ]
      : []),
  ];
  return encodeConfiguration(
    interfaces,
    encodeAssociation(controlInterface, interfaces, [0x01, 0x00, release]),
    encodeInterface(controlInterface, 0, 0, control),
    encodeControl(kind, [...encodeClocks(audio, hasExternalClock, strings), ...terminals]),
    encodeInterface(streamingInterface, 0, 0, streaming),
    encodeInterface(streamingInterface, 1, feedback?.type === "explicit" ? 2 : 1, streaming),
    encodeFormat(kind === "microphone" ? outputTerminal : inputTerminal, channels),
    encodeDataEndpoint(endpoint, endpointAttributes[synchronization], audio.maxPacketSize),
    // Four bytes in each millisecond.
    ...(feedback?.type === "explicit" ? [encodeEndpoint(feedback.endpoint, endpointAttributes.feedback, 4, 4)] : []),
    ...(isImplicit
      ? [
          encodeInterface(captureInterface, 0, 0, streaming),
          encodeInterface(captureInterface, 1, 1, streaming),
          encodeFormat(captureOutput, channels),
          encodeDataEndpoint(feedback.endpoint, endpointAttributes.implicitFeedback, audio.maxPacketSize),
        ]
      : []),
  );
}

/** The header, and everything that belongs to it (UAC 2.0, 4.7.2). */
function encodeControl(kind: AudioStreaming["kind"], entities: readonly Uint8Array[]): Uint8Array {
  const total = entities.reduce((sum, entity) => sum + entity.length, 9);
  return concatenate(encodeClassInterface(0x01, ...word(0x0200), categories[kind], ...word(total), 0), ...entities);
}

/** Clock sources, and the selector of them (UAC 2.0, 4.7.2.1 and 4.7.2.2). */
function encodeClocks(
  { sampleRates }: AudioStreaming,
  hasExternalClock: boolean,
  strings: ClockStrings,
): readonly Uint8Array[] {
  // Internal and programmable, or with a fixed frequency, which then is not the host's to set; its validity is to be read.
  const [type, controls] = sampleRates.length > 1 ? [0x03, 0x07] : [0x01, 0x05];
  const internal = encodeClassInterface(0x0a, clockIds.internal, type, controls, 0, strings.internal);
  if (!hasExternalClock) return [internal];
  return [
    internal,
    encodeClassInterface(0x0a, clockIds.external, 0x00, 0x05, 0, strings.external),
    encodeClassInterface(0x0b, clockIds.selector, selectorPins.length, ...selectorPins, 0x03, 0),
  ];
}

/** UAC 2.0, 4.7.2.4. */
function encodeInputTerminal(id: number, type: number, clock: number, channels: number): Uint8Array {
  return encodeClassInterface(
    0x02,
    ...[id, ...word(type), 0, clock, channels, ...doubleWord(locations(channels)), 0, ...word(0), 0],
  );
}

/** UAC 2.0, 4.7.2.5. */
function encodeOutputTerminal(id: number, type: number, clock: number, source: number): Uint8Array {
  return encodeClassInterface(0x03, ...[id, ...word(type), 0, source, clock, ...word(0), 0]);
}

/** Mute and volume of all channels together, which the host can set, none of each (UAC 2.0, 4.7.2.8). */
function encodeFeatureUnit(channels: number): Uint8Array {
  const none = new Array<number>(4 * channels).fill(0);
  return encodeClassInterface(0x06, featureUnit, inputTerminal, ...doubleWord(0x0f), ...none, 0);
}

/** PCM; the rates are those of the clock (UAC 2.0, 4.9.2; Audio Data Formats 2.0, 2.3.1.6). */
function encodeFormat(terminal: number, channels: number): Uint8Array {
  return concatenate(
    encodeClassInterface(0x01, ...[terminal, 0, 1, ...doubleWord(1), channels, ...doubleWord(locations(channels)), 0]),
    encodeClassInterface(0x02, 1, sampleBytes, 8 * sampleBytes),
  );
}

/** A packet in each microframe, and no controls (UAC 2.0, 4.10.1). */
function encodeDataEndpoint(address: number, attributes: number, maxPacketSize: number): Uint8Array {
  return concatenate(
    encodeEndpoint(address, attributes, maxPacketSize, 1),
    Uint8Array.of(8, 0x25, 0x01, 0, 0, 0, ...word(0)),
  );
}

function encodeEndpoint(address: number, attributes: number, maxPacketSize: number, interval: number): Uint8Array {
  return Uint8Array.of(7, 5, address, attributes, ...word(maxPacketSize), interval);
}
