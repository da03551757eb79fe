import type { AlternateSetting } from "../../descriptors/model.js";
import { Fields, Unusable } from "../fields.js";
import { interfaceDescriptors } from "./class-descriptors.js";
import type { AudioFormat, SampleRateRange, UacVersion } from "./model.js";

/** Subtypes of AudioStreaming descriptors (UAC 1.0, A.6; UAC 2.0, A.10). */
const subtypes = { general: 1, formatType: 2 } as const;

/** wFormatTag of UAC 1.0, and the bit of bmFormats of UAC 2.0, in the order of both (Formats, A.1 and A.2). */
const kinds = ["pcm", "pcm8", "float", "alaw", "mulaw"] as const satisfies readonly AudioFormat["kind"][];

/** What the class-specific descriptors of an AudioStreaming alternate setting say. */
export interface AudioStreaming {
  readonly terminal: number;
  readonly format: AudioFormat;
  readonly sampleRates: readonly SampleRateRange[] | undefined;
}

/**
 * Reads them (UAC 1.0, 4.5.2 and Formats, 2.2.5; UAC 2.0, 4.9.2 and Formats, 2.3.1.6).
 *
 * @throws {@link Unusable} where they do not describe samples in slots
 */
export function readAudioStreaming(alternate: AlternateSetting, version: UacVersion): AudioStreaming {
  const descriptors = interfaceDescriptors(alternate).map((descriptor) => new Fields(descriptor, "AudioStreaming"));
  const general = descriptors.find(({ subtype }) => subtype === subtypes.general);
  const formatType = descriptors.find(({ subtype }) => subtype === subtypes.formatType);
  if (general === undefined) throw new Unusable("it has no general descriptor, which names its terminal");
  if (formatType === undefined) throw new Unusable("it has no format type descriptor");
  if (formatType.byte(3) !== typeI) {
    throw new Unusable(`its format type is ${formatType.byte(3)}, and only type I has samples in slots`);
  }
  const read = version === 1 ? readVersion1(general, formatType) : readVersion2(general, formatType);
  const { channels, subslotSize, bitResolution } = read.format;
  if (channels === 0) throw new Unusable("it has no channels");
  if (subslotSize < 1 || subslotSize > 8) throw new Unusable(`a slot of ${subslotSize} bytes is none`);
  if (bitResolution < 1 || bitResolution > 8 * subslotSize) {
    throw new Unusable(`${bitResolution} bits do not fit into a slot of ${subslotSize} bytes`);
  }
  return { terminal: general.byte(3), ...read };
}

const typeI = 1;

type FormatAndRates = Pick<AudioStreaming, "format" | "sampleRates">;

function readVersion1(general: Fields, formatType: Fields): FormatAndRates {
  const tag = general.word(5);
  const format: AudioFormat = {
    kind: kinds[tag - 1] ?? "other",
    tag,
    channels: formatType.byte(4),
    subslotSize: formatType.byte(5),
    bitResolution: formatType.byte(6),
  };
  return { format, sampleRates: readRates(formatType) };
}

/** tSamFreq: lower and upper limit where bSamFreqType is 0, else so many rates. */
function readRates(formatType: Fields): SampleRateRange[] {
  const count = formatType.byte(7);
  if (count === 0) {
    const [min, max] = [formatType.triple(8), formatType.triple(11)];
    if (min === 0 || min > max) throw new Unusable(`sample rates from ${min} to ${max} Hz are none`);
    return [{ min, max, step: 1 }];
  }
  const rates = Array.from({ length: count }, (_, i) => formatType.triple(8 + 3 * i)).filter((rate) => rate > 0);
  if (rates.length === 0) throw new Unusable("all its sample rates are 0 Hz");
  return rates.map((rate) => ({ min: rate, max: rate, step: 0 }));
}

function readVersion2(general: Fields, formatType: Fields): FormatAndRates {
  const tag = general.long(6);
  const format: AudioFormat = {
    kind: kinds.find((_, bit) => (tag & (1 << bit)) !== 0) ?? "other",
    tag,
    channels: general.byte(10),
    subslotSize: formatType.byte(4),
    bitResolution: formatType.byte(5),
  };
  return { format, sampleRates: undefined };
}
