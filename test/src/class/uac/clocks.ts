import { of, throwError } from "rxjs";
import type { AudioControlPort, AudioEntity } from "../../../../src/class/uac/index.js";
import { DeviceError } from "../../../../src/index.js";
import { requestInWords } from "../../../support/logged-device.js";

/**
 * Clock entities that answer what they are told to, by `entity.control`, with ` range` or ` set` behind it where those
 * are answered otherwise; and what they were asked.
 */
export function scriptedClocks(answers: Record<string, readonly number[] | "stall">) {
  const asked: string[] = [];
  const port: AudioControlPort = {
    controlTransfer: (setup, data) => {
      asked.push(requestInWords(setup, data));
      const what = `${setup.index >> 8}.${setup.value >> 8}`;
      const isRange = setup.request === 2 && `${what} range` in answers;
      const answer = answers[setup.direction === "out" ? `${what} set` : isRange ? `${what} range` : what];
      if (answer === "stall") return throwError(() => new DeviceError("control-stalled", "no"));
      if (setup.direction === "in") return of(Uint8Array.from(answer ?? []));
      if (answer === undefined && data instanceof Uint8Array) answers[what] = [...data];
      return of(new Uint8Array(0));
    },
  };
  return { port, asked };
}

const entity = {
  terminalType: undefined,
  clock: undefined,
  isProgrammable: true,
  hasValidity: true,
  isExternal: false,
  stringIndex: 0,
} as const;

export function clockEntityOf(
  kind: AudioEntity["kind"],
  id: number,
  sources: readonly number[] = [],
  fields: Partial<AudioEntity> = {},
): AudioEntity {
  return { ...entity, kind, id, sources, ...fields };
}

/** What a clock source answers that is at a rate. */
export function rateBytes(rate: number): readonly number[] {
  return [rate & 0xff, (rate >> 8) & 0xff, (rate >> 16) & 0xff, 0];
}

/** What a clock source answers that has some rates: a sub-range of each. */
export function rangeBytes(...rates: readonly number[]): readonly number[] {
  return [rates.length, 0, ...rates.flatMap((rate) => [...rateBytes(rate), ...rateBytes(rate), ...rateBytes(0)])];
}
