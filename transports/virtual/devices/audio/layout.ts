/** The interfaces, units and terminals that devices of either release have in common. */
export const controlInterface = 0;
export const streamingInterface = 1;
export const inputTerminal = 1;
/** The unit with the mute and the volume. */
export const featureUnit = 2;
export const outputTerminal = 3;

/** Bytes of a sample of one channel. */
export const sampleBytes = 2;

/** Terminal types (USB Audio Terminal Types 1.0, 2). */
const terminals = { streaming: 0x0101, microphone: 0x0201, speaker: 0x0301 } as const;

/** What is streamed, and how. */
export interface AudioStreaming {
  readonly kind: "microphone" | "speaker";
  readonly channels: number;
  readonly sampleRates: readonly number[];
  readonly endpoint: number;
  readonly maxPacketSize: number;
  readonly synchronization: "adaptive" | "asynchronous";
  /** What says how many samples the device takes: an endpoint that tells it, or one that captures on the same clock. */
  readonly feedback?: { readonly type: "explicit" | "implicit"; readonly endpoint: number } | undefined;
}

/** wTerminalType of the input and of the output terminal. */
export function terminalTypes(kind: AudioStreaming["kind"]): readonly [input: number, output: number] {
  return kind === "microphone" ? [terminals.microphone, terminals.streaming] : [terminals.streaming, terminals.speaker];
}

/** Left and right, or one that is nowhere: the spatial locations of a channel cluster. */
export function locations(channels: number): number {
  return channels === 2 ? 0x0003 : 0;
}

/** Samples in a packet at most: those of a frame, and one with which to catch up. */
export function mostSamples(samplesPerFrame: number): number {
  return Math.ceil(samplesPerFrame) + 1;
}

/** bmAttributes of isochronous endpoints (USB 2.0, table 9-13). */
export const endpointAttributes = {
  asynchronous: 0x05,
  adaptive: 0x09,
  /** Keeps no time itself, and is feedback. */
  feedback: 0x11,
  /** Asynchronous data that are feedback too. */
  implicitFeedback: 0x25,
} as const;
