import type { ControlSetup } from "../../../../../src/index.js";
import { word } from "../../../descriptors.js";

/** Requests of the class (UAC 2.0, A.14); MEM is of no use here. */
const requests = { current: 0x01, range: 0x02 } as const;

const nothing = new Uint8Array(0);

/** A control of an entity: a number of one, two or four bytes (UAC 2.0, 5.2.3). */
export interface Control {
  readonly size: 1 | 2 | 4;
  get(): number;
  /** Takes a number as it stands, without a sign; whether it did. Without it, the control can only be read. */
  set?(value: number): boolean;
  /** The sub-ranges of its RANGE attribute, where it has that. */
  ranges?(): readonly (readonly [minimum: number, maximum: number, resolution: number])[];
}

/** Answers a request to a control: whatever it does not have, and data that are not of its size, are a STALL. */
export function answerControl(
  control: Control,
  { direction, request }: ControlSetup,
  data: number | Uint8Array,
): Uint8Array | undefined {
  const { size } = control;
  if (direction === "in") {
    if (request === requests.current) return encode(control.get(), size);
    const ranges = request === requests.range ? control.ranges?.() : undefined;
    return (
      ranges && Uint8Array.of(...word(ranges.length), ...ranges.flat().flatMap((field) => [...encode(field, size)]))
    );
  }
  if (request !== requests.current || !(data instanceof Uint8Array) || data.length !== size) return undefined;
  const value = data.reduceRight((sum, byte) => sum * 256 + byte, 0);
  return control.set?.(value) === true ? nothing : undefined;
}

function encode(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => value >> (8 * i));
}
