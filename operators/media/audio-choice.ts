import type { AudioAlternate, AudioFunction } from "../../src/class/uac/index.js";
import { audioFunctions, hasSampleRate, sampleRatesInWords, terminalName } from "../../src/class/uac/index.js";
import {
  DescriptorError,
  EndpointError,
  maxBytesPerInterval,
  serviceInterval,
  type DeviceSelector,
  type Direction,
  type Speed,
  type UsbDevice,
} from "../../src/index.js";
import type { PcmFormat } from "../../src/pcm.js";
import { checkPcmFormat, type CompletePcmFormat } from "./pcm-block.js";

/** Which device, and which of its audio interfaces. What is left out matches every one. */
export interface AudioSelector extends DeviceSelector {
  /** bInterfaceNumber of an AudioStreaming interface. */
  readonly interfaceNumber?: number | undefined;
  /** bAlternateSetting. */
  readonly alternate?: number | undefined;
}

/** The format that is wanted. Of several that fit, the first in the descriptors is taken. */
export interface AudioFormatOptions {
  /** Samples a second. Default: 48000. */
  readonly sampleRate?: number | undefined;
  /** Default: what the device has. */
  readonly channels?: number | undefined;
  /** Bits of a sample. Default: what the device has. */
  readonly bits?: number | undefined;
  /** Signed numbers, unsigned ones of 8 bits, or floating-point ones. Default: what the device has. */
  readonly kind?: PcmFormat["kind"];
}

/** An alternate setting of a device, and the format that goes through it. */
export interface ChosenAudio {
  readonly audio: AudioFunction;
  readonly alternate: AudioAlternate;
  readonly format: CompletePcmFormat;
  /** Bytes of a sample of all channels. */
  readonly frameSize: number;
  /** The most samples that fit in a packet. */
  readonly maxSamples: number;
}

/** What is looked for. */
export interface AudioWish extends AudioFormatOptions {
  readonly direction: Direction;
  readonly sampleRate: number;
  readonly selector: Pick<AudioSelector, "interfaceNumber" | "alternate">;
}

/**
 * The first alternate setting that has the format.
 *
 * @throws {@link EndpointError} `no-such-format`, naming those there are
 */
export function chooseAudio({ configuration, info }: UsbDevice, wish: AudioWish): ChosenAudio {
  const functions = audioFunctions(configuration);
  for (const audio of functions) {
    for (const alternate of audio.alternates) {
      const chosen = fits(alternate, wish) ? measure(audio, alternate, wish.sampleRate, info.speed) : undefined;
      if (chosen !== undefined) return chosen;
    }
  }
  const { direction, sampleRate, channels, bits, kind } = wish;
  const wanted = [`${sampleRate} Hz`, ...(channels === undefined ? [] : [`${channels} channels`])];
  if (bits !== undefined) wanted.push(`${bits} bits`);
  if (kind !== undefined) wanted.push(kind);
  const there = functions.flatMap(({ alternates }) => alternates).filter((each) => each.direction === direction);
  throw new EndpointError(
    "no-such-format",
    `no audio ${direction.toUpperCase()} endpoint has ${wanted.join(", ")}; ` +
      (there.length === 0 ? "the device has none at all" : `there are ${there.map(inWords).join("; ")}`),
  );
}

function fits(each: AudioAlternate, { selector, direction, sampleRate, channels, bits, kind }: AudioWish): boolean {
  const { interfaceNumber = each.interfaceNumber, alternate = each.alternate } = selector;
  const { format } = each;
  return (
    each.direction === direction &&
    each.interfaceNumber === interfaceNumber &&
    each.alternate === alternate &&
    (channels ?? format.channels) === format.channels &&
    (bits ?? format.bitResolution) === format.bitResolution &&
    (kind === undefined ? isKnown(format.kind) : kind === format.kind) &&
    (each.sampleRates === undefined || hasSampleRate(each.sampleRates, sampleRate))
  );
}

function isKnown(kind: AudioAlternate["format"]["kind"]): kind is CompletePcmFormat["kind"] {
  return kind === "pcm" || kind === "pcm8" || kind === "float";
}

/** What an alternate setting takes at a rate; `undefined` where its packets do not hold that, or its size is none. */
export function measure(
  audio: AudioFunction,
  alternate: AudioAlternate,
  sampleRate: number,
  speed: Speed,
): ChosenAudio | undefined {
  const { endpoint, format } = alternate;
  if (!isKnown(format.kind)) return undefined;
  try {
    const frameDuration = serviceInterval(endpoint, speed);
    const frameSize = format.channels * format.subslotSize;
    const maxSamples = Math.floor(maxBytesPerInterval(endpoint, speed) / frameSize);
    if (maxSamples * 1_000_000 < sampleRate * frameDuration) return undefined;
    const { kind, channels, subslotSize, bitResolution: bits } = format;
    const complete = checkPcmFormat({ sampleRate, channels, bits, subslotSize, kind, frameDuration });
    return { audio, alternate, format: complete, frameSize, maxSamples };
  } catch (error) {
    if (DescriptorError.is(error)) return undefined;
    throw error;
  }
}

/** `interface 1.2 (speaker): 2 channels of 16 bits, 44100, 48000 Hz` */
function inWords({ interfaceNumber, alternate, terminalTypes, format, sampleRates }: AudioAlternate): string {
  const terminals = [...new Set(terminalTypes.map(terminalName))].join(", ");
  return (
    `interface ${interfaceNumber}.${alternate}${terminals === "" ? "" : ` (${terminals})`}: ` +
    `${format.channels} channels of ${format.bitResolution} bits (${format.kind}), ` +
    (sampleRates === undefined ? "at the rates of its clock" : sampleRatesInWords(sampleRates))
  );
}
