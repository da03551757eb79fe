import type { AlternateSetting, ConfigurationDescriptor, EndpointDescriptor } from "../../descriptors/model.js";
import { Fields, Unusable } from "../fields.js";
import { classSpecific } from "./class-descriptors.js";
import { farTerminals, readAudioControl, type AudioControl } from "./entities.js";
import { explicitFeedback, implicitFeedback } from "./feedback-endpoint.js";
import { readAudioStreaming } from "./formats.js";
import type { AudioAlternate, AudioFunction, SkippedDescriptor, UacVersion } from "./model.js";

/** bInterfaceClass and bInterfaceSubClass (UAC 1.0, A.1 and A.2). */
const audioClass = 1;
const subclasses = { control: 1, streaming: 2 } as const;
/** bInterfaceProtocol (UAC 2.0, A.6). */
const versions: Readonly<Record<number, UacVersion>> = { 0x00: 1, 0x20: 2 };

/**
 * The audio functions of a configuration: what they are made of, and every alternate setting that moves audio.
 *
 * Broken descriptors cost only themselves: what cannot be made sense of is left out, and told in
 * {@link AudioFunction.skipped}. So are alternate settings of another release than 1.0 and 2.0, and those without
 * samples in slots (format types II and III). Alternate settings that take no bandwidth stand in
 * no list.
 *
 * @example
 * ```ts
 * import type { ConfigurationDescriptor } from "rx-isoch";
 * import { audioFunctions, terminalName } from "rx-isoch/class/uac";
 *
 * export const formats = (configuration: ConfigurationDescriptor): string[] =>
 *   audioFunctions(configuration).flatMap(({ alternates }) =>
 *     alternates.map(
 *       ({ terminalTypes, format }) => `${terminalTypes.map(terminalName).join()}: ${format.channels} × ${format.bitResolution}`,
 *     ),
 *   );
 * ```
 */
export function audioFunctions(configuration: ConfigurationDescriptor): AudioFunction[] {
  const all = configuration.interfaces.flatMap(({ alternates }) => alternates);
  const isOf = (subclass: number) => (alternate: AlternateSetting) =>
    alternate.interfaceClass === audioClass && alternate.interfaceSubclass === subclass;
  const controls = all.filter((each) => isOf(subclasses.control)(each) && each.alternateSetting === 0);
  const streaming = all.filter(isOf(subclasses.streaming));
  return controls.map((control, i) => {
    const { interfaceNumber, interfaceProtocol } = control;
    const version = versions[interfaceProtocol];
    if (version === undefined) {
      const reason = `release 0x${interfaceProtocol.toString(16)} of the audio class is not known here`;
      const skipped = [{ interfaceNumber, alternate: 0, reason }];
      return { version, controlInterface: interfaceNumber, entities: [], alternates: [], skipped };
    }
    const audioControl = readAudioControl(control, version);
    const until = controls[i + 1]?.interfaceNumber ?? Infinity;
    const own = interfacesOf(configuration, interfaceNumber, audioControl, until);
    return gather(
      interfaceNumber,
      version,
      audioControl,
      streaming.filter((each) => own(each.interfaceNumber)),
    );
  });
}

/** Which interfaces are of a function: the header says it, else the association, else those up to the next one. */
function interfacesOf(
  { associations }: ConfigurationDescriptor,
  control: number,
  { interfaces }: AudioControl,
  until: number,
): (interfaceNumber: number) => boolean {
  if (interfaces.length > 0) return (number) => interfaces.includes(number);
  const association = associations.find(
    ({ firstInterface, interfaceCount }) => control >= firstInterface && control < firstInterface + interfaceCount,
  );
  if (association === undefined) return (number) => number > control && number < until;
  const { firstInterface, interfaceCount } = association;
  return (number) => number >= firstInterface && number < firstInterface + interfaceCount;
}

function gather(
  controlInterface: number,
  version: UacVersion,
  { entities, skipped: unusable }: AudioControl,
  streaming: readonly AlternateSetting[],
): AudioFunction {
  const skipped: SkippedDescriptor[] = unusable.map((reason) => ({
    interfaceNumber: controlInterface,
    alternate: 0,
    reason,
  }));
  const alternates: AudioAlternate[] = [];
  for (const setting of streaming) {
    const { interfaceNumber, alternateSetting } = setting;
    try {
      const endpoint = dataEndpoint(setting);
      if (endpoint === undefined) continue;
      const { terminal, format, sampleRates } = readAudioStreaming(setting, version);
      alternates.push({
        version,
        controlInterface,
        interfaceNumber,
        alternate: alternateSetting,
        direction: endpoint.direction,
        endpoint,
        terminal,
        terminalTypes: farTerminals(entities, terminal),
        format,
        sampleRates,
        hasRateControl: version === 2 || hasRateControl(endpoint),
        clock: entities.find(({ id, clock }) => id === terminal && clock !== undefined)?.clock,
        feedback: explicitFeedback(setting, endpoint) ?? implicitFeedback(streaming, endpoint),
      });
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      skipped.push({ interfaceNumber, alternate: alternateSetting, reason: error.message });
    }
  }
  return { version, controlInterface, entities, alternates, skipped };
}

/** The endpoint that the audio goes through: the first, if it is no feedback endpoint (UAC 1.0, 4.6.1; UAC 2.0, 4.10.1). */
function dataEndpoint({ endpoints }: AlternateSetting): EndpointDescriptor | undefined {
  const isochronous = endpoints.filter(
    ({ transferType, maxPacketSize }) => transferType === "isochronous" && (maxPacketSize & 0x7ff) > 0,
  );
  const data = isochronous.filter(({ usageType }) => usageType !== "feedback");
  // With bSynchAddress it is the audio; without, on a full speed device of UAC 1.0, it can be either.
  return data.find(({ synchAddress = 0 }) => synchAddress !== 0) ?? data[0];
}

/** Sampling Frequency, bit 0 of bmAttributes of the class-specific endpoint descriptor (UAC 1.0, 4.6.1.2). */
function hasRateControl({ extra }: EndpointDescriptor): boolean {
  const descriptor = extra.find(({ type }) => type === classSpecific.endpoint);
  return descriptor !== undefined && (new Fields(descriptor, "audio endpoint").byte(3) & 1) !== 0;
}
