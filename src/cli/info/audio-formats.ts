import type { ConfigurationDescriptor } from "../../index.js";
import { audioFunctions, sampleRatesInWords, terminalName, type AudioAlternate } from "../../class/uac/index.js";
import type { ClassFormats } from "./class-formats.js";

/** Channels and sample rates of what has to do with sound. */
export function audioFormats(configuration: ConfigurationDescriptor): ClassFormats {
  const functions = audioFunctions(configuration);
  return ({ interfaceNumber, alternateSetting }) =>
    functions.flatMap(({ alternates, skipped }) => [
      ...alternates
        .filter((each) => each.interfaceNumber === interfaceNumber && each.alternate === alternateSetting)
        .map(inWords),
      ...skipped
        .filter((each) => each.interfaceNumber === interfaceNumber && each.alternate === alternateSetting)
        .map(({ reason }) => `not read: ${reason}`),
    ]);
}

/** "2 channels of 16 bits (pcm) at 44100, 48000 Hz, from microphone" */
function inWords({ direction, terminalTypes, format, sampleRates }: AudioAlternate): string {
  const { channels, bitResolution, kind } = format;
  const terminals = [...new Set(terminalTypes.map(terminalName))].join(", ");
  const rates = sampleRates === undefined ? "at the rates of its clock" : `at ${sampleRatesInWords(sampleRates)}`;
  const way = direction === "in" ? "from" : "to";
  return (
    `${channels} channel${channels === 1 ? "" : "s"} of ${bitResolution} bits (${kind}) ${rates}` +
    (terminals === "" ? "" : `, ${way} ${terminals}`)
  );
}
