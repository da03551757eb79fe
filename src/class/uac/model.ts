import type { Direction, EndpointDescriptor } from "../../descriptors/model.js";

/** The release of the audio class: bInterfaceProtocol 0 is 1, 0x20 is 2. */
export type UacVersion = 1 | 2;

/** A function of the audio class: an AudioControl interface and the AudioStreaming interfaces it is in charge of. */
export interface AudioFunction {
  /** `undefined` for a release that is not known here: then nothing of it is read. */
  readonly version: UacVersion | undefined;
  /** bInterfaceNumber of the AudioControl interface, to which requests to entities go. */
  readonly controlInterface: number;
  /** Terminals, units and clocks, in the order of the descriptor. */
  readonly entities: readonly AudioEntity[];
  /** Every alternate setting that moves audio, in the order of the configuration. */
  readonly alternates: readonly AudioAlternate[];
  /** What could not be made sense of, and why. */
  readonly skipped: readonly SkippedDescriptor[];
}

/** What an entity is (UAC 1.0, 4.3.2; UAC 2.0, 4.7.2). `other` has a subtype that neither release has. */
export type AudioEntityKind =
  | "input-terminal"
  | "output-terminal"
  | "mixer"
  | "selector"
  | "feature"
  | "effect"
  | "processing"
  | "extension"
  | "clock-source"
  | "clock-selector"
  | "clock-multiplier"
  | "rate-converter"
  | "other";

/** A terminal, a unit or a clock of an audio function. */
export interface AudioEntity {
  readonly kind: AudioEntityKind;
  /** bTerminalID, bUnitID or bClockID: what requests are addressed to. */
  readonly id: number;
  /** The entities whose output is its input, in the order of its pins. */
  readonly sources: readonly number[];
  /** wTerminalType of a terminal; see {@link terminalName}. */
  readonly terminalType: number | undefined;
  /** bCSourceID of a terminal of UAC 2.0: the clock entity it runs on. */
  readonly clock: number | undefined;
  /** Whether the host can set the frequency of a clock source, or the pin of a clock selector (UAC 2.0, 4.7.2). */
  readonly isProgrammable: boolean;
  /** Whether a clock source can be asked if it is valid (UAC 2.0, 5.2.5.1.2). */
  readonly hasValidity: boolean;
  /** Whether a clock source takes its time from a signal that is connected to the device (UAC 2.0, 4.7.2.1). */
  readonly isExternal: boolean;
  /** iClockSource: the string that names a clock source; 0 where there is none. */
  readonly stringIndex: number;
}

/**
 * How samples stand on the wire (UAC 1.0 Formats, 2.2; UAC 2.0 Formats, 2.3.1). Numbers are little endian, channels
 * interleaved, and a value with fewer bits than its subslot stands in the upper ones.
 */
export interface AudioFormat {
  /** `pcm` is signed, `pcm8` unsigned with 0x80 as silence, `float` IEEE 754; `other` is kept as {@link AudioFormat.tag}. */
  readonly kind: "pcm" | "pcm8" | "float" | "alaw" | "mulaw" | "other";
  /** wFormatTag (UAC 1.0) or bmFormats (UAC 2.0), as it stands. */
  readonly tag: number;
  /** bNrChannels. */
  readonly channels: number;
  /** Bytes of one sample of one channel: bSubframeSize, or bSubslotSize. */
  readonly subslotSize: number;
  /** bBitResolution. */
  readonly bitResolution: number;
}

/** Sample rates that a device has: from `min` to `max` Hz in steps of `step`; one rate where `min` is `max`. */
export interface SampleRateRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** How a host is told the rate of an asynchronous OUT endpoint (USB 2.0, 5.12.4.2 and 5.12.4.3). */
export type AudioFeedback =
  | { readonly type: "none" }
  /** An endpoint of the same alternate setting that says how many samples a frame it wants. */
  | { readonly type: "explicit"; readonly endpoint: EndpointDescriptor }
  /** An endpoint with audio on the same clock: as many samples as it brings are to be sent. */
  | { readonly type: "implicit"; readonly interfaceNumber: number; readonly endpoint: number };

/** An alternate setting of an AudioStreaming interface that moves audio. */
export interface AudioAlternate {
  readonly version: UacVersion;
  readonly controlInterface: number;
  readonly interfaceNumber: number;
  /** bAlternateSetting. */
  readonly alternate: number;
  /** `in` is capture, `out` playback. */
  readonly direction: Direction;
  /** The endpoint that the audio goes through; its `synchronizationType` says whose clock it is. */
  readonly endpoint: EndpointDescriptor;
  /** bTerminalLink: the terminal that stands for this interface. */
  readonly terminal: number;
  /** wTerminalType of the terminals at the other end, where the sound comes from or goes to; see {@link terminalName}. */
  readonly terminalTypes: readonly number[];
  readonly format: AudioFormat;
  /** Of UAC 1.0, from the descriptor; UAC 2.0 has to be asked: {@link readSampleRates}. */
  readonly sampleRates: readonly SampleRateRange[] | undefined;
  /** Whether the rate can be set: by the endpoint (UAC 1.0, 4.6.1.2), or in UAC 2.0 by the clock, if that one says so. */
  readonly hasRateControl: boolean;
  /** bCSourceID of the terminal (UAC 2.0): a clock source, selector or multiplier. */
  readonly clock: number | undefined;
  readonly feedback: AudioFeedback;
}

/** A descriptor that was passed over. */
export interface SkippedDescriptor {
  readonly interfaceNumber: number;
  /** bAlternateSetting. */
  readonly alternate: number;
  /** In words, with what is wrong. */
  readonly reason: string;
}
