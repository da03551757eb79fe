import type { AlternateSetting } from "../../descriptors/model.js";
import { Fields, Unusable } from "../fields.js";
import { interfaceDescriptors } from "./class-descriptors.js";
import type { AudioEntity, AudioEntityKind, UacVersion } from "./model.js";

/** Subtypes of AudioControl descriptors (UAC 1.0, A.5; UAC 2.0, A.9). */
const kinds: Readonly<Record<UacVersion, Readonly<Record<number, AudioEntityKind>>>> = {
  1: {
    2: "input-terminal",
    3: "output-terminal",
    4: "mixer",
    5: "selector",
    6: "feature",
    7: "processing",
    8: "extension",
  },
  2: {
    2: "input-terminal",
    3: "output-terminal",
    4: "mixer",
    5: "selector",
    6: "feature",
    7: "effect",
    8: "processing",
    9: "extension",
    10: "clock-source",
    11: "clock-selector",
    12: "clock-multiplier",
    13: "rate-converter",
  },
};

/** What an AudioControl interface has in it. */
export interface AudioControl {
  readonly entities: AudioEntity[];
  /** baInterfaceNr of the header of UAC 1.0; empty in UAC 2.0, where the association says it. */
  readonly interfaces: readonly number[];
  readonly skipped: readonly string[];
}

/** Reads the class-specific descriptors of an AudioControl interface (UAC 1.0, 4.3.2; UAC 2.0, 4.7.2). */
export function readAudioControl(alternate: AlternateSetting, version: UacVersion): AudioControl {
  const entities: AudioEntity[] = [];
  const interfaces: number[] = [];
  const skipped: string[] = [];
  for (const descriptor of interfaceDescriptors(alternate)) {
    try {
      const fields = new Fields(descriptor, "AudioControl");
      if (fields.subtype !== header) entities.push(readEntity(fields, version));
      else if (version === 1) interfaces.push(...fields.bytes(8, Math.min(fields.byte(7), fields.length - 8)));
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      skipped.push(error.message);
    }
  }
  return { entities, interfaces, skipped };
}

const header = 1;

function readEntity(fields: Fields, version: UacVersion): AudioEntity {
  const kind = kinds[version][fields.subtype] ?? "other";
  const isTerminal = kind === "input-terminal" || kind === "output-terminal";
  return {
    kind,
    id: fields.byte(3),
    sources: sourcesOf(kind, fields),
    terminalType: isTerminal ? fields.word(4) : undefined,
    clock: isTerminal && version === 2 ? fields.byte(kind === "input-terminal" ? 7 : 8) : undefined,
    ...clockControls(kind, fields),
  };
}

type ClockControls = Pick<AudioEntity, "isProgrammable" | "hasValidity" | "isExternal" | "stringIndex">;

/** Each control has two bits of bmControls: 1 is one that can be read, 3 one that can be set too. */
function clockControls(kind: AudioEntityKind, fields: Fields): ClockControls {
  const none = { isProgrammable: false, hasValidity: false, isExternal: false, stringIndex: 0 };
  switch (kind) {
    case "clock-source":
      return {
        isProgrammable: (fields.byte(5) & 3) === 3,
        hasValidity: (fields.byte(5) & 4) !== 0,
        isExternal: (fields.byte(4) & 3) === 0,
        // The string is the last field: there are devices that leave it out.
        stringIndex: fields.length > 7 ? fields.byte(7) : 0,
      };
    case "clock-selector": {
      const controls = 5 + fields.byte(4);
      return { ...none, isProgrammable: fields.length > controls && (fields.byte(controls) & 3) === 3 };
    }
    default:
      return none;
  }
}

function sourcesOf(kind: AudioEntityKind, fields: Fields): readonly number[] {
  switch (kind) {
    case "output-terminal":
      return [fields.byte(7)];
    case "feature":
    case "clock-multiplier":
    case "rate-converter":
      return [fields.byte(4)];
    case "effect":
      return [fields.byte(6)];
    case "mixer":
    case "selector":
    case "clock-selector":
      return fields.bytes(5, fields.byte(4));
    case "processing":
    case "extension":
      return fields.bytes(7, fields.byte(6));
    case "input-terminal":
    case "clock-source":
    case "other":
      return [];
  }
}

/**
 * The terminals at the other end of the one that stands for a stream: with the flow of the signal for an input
 * terminal, against it for an output terminal. A loop in the descriptors ends nowhere.
 */
export function farTerminals(entities: readonly AudioEntity[], terminal: number): number[] {
  const start = entities.find((entity) => entity.id === terminal && entity.terminalType !== undefined);
  if (start === undefined) return [];
  const isForward = start.kind === "input-terminal";
  const reached = new Set([start]);
  const types: number[] = [];
  for (const entity of reached) {
    if (entity !== start && entity.terminalType !== undefined) {
      types.push(entity.terminalType);
      continue;
    }
    for (const next of entities) {
      const isNext = isForward ? next.sources.includes(entity.id) : entity.sources.includes(next.id);
      if (isNext && !next.kind.startsWith("clock")) reached.add(next);
    }
  }
  return types;
}
