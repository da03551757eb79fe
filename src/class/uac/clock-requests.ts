import { defaultIfEmpty, map, throwError, type Observable } from "rxjs";
import type { UsbDevice } from "../../device.js";
import { DeviceError } from "../../errors.js";

/** Where requests of the audio class go: a {@link UsbDevice}, or what stands in for one. */
export type AudioControlPort = Pick<UsbDevice, "controlTransfer">;

/** An entity of an AudioControl interface, and one of its controls. */
export interface EntityControl {
  readonly controlInterface: number;
  readonly entity: number;
  /** The control selector: one of {@link controls}. */
  readonly control: number;
}

/** bRequest (UAC 2.0, A.14). */
export const requests = { current: 1, range: 2 } as const;

/** Control selectors of clock entities (UAC 2.0, A.17.1 to A.17.3). */
export const controls = { sampleRate: 1, clockValid: 2, selectedPin: 1, numerator: 1, denominator: 2 } as const;

/** Asks for an attribute of a control (UAC 2.0, 5.2.2). Emits once, an empty array where nothing came. */
export function getControl(
  port: AudioControlPort,
  { controlInterface, entity, control }: EntityControl,
  length: number,
  request: number = requests.current,
): Observable<Uint8Array> {
  const index = (entity << 8) | controlInterface;
  return port
    .controlTransfer(
      { direction: "in", type: "class", recipient: "interface", request, value: control << 8, index },
      length,
    )
    .pipe(defaultIfEmpty(new Uint8Array(0)));
}

/** Asks for the current setting of a control, a number of so many bytes. */
export function getNumber(port: AudioControlPort, control: EntityControl, length: number): Observable<number> {
  return getControl(port, control, length).pipe(map((bytes) => littleEndian(bytes, 0, length)));
}

/** Sets a control to a number of so many bytes. Emits an empty array when it is set. */
export function setNumber(
  port: AudioControlPort,
  { controlInterface, entity, control }: EntityControl,
  value: number,
  length: 1 | 4,
): Observable<Uint8Array> {
  const bytes = Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** i) % 256);
  return port.controlTransfer(
    {
      direction: "out",
      type: "class",
      recipient: "interface",
      request: requests.current,
      value: control << 8,
      index: (entity << 8) | controlInterface,
    },
    bytes,
  );
}

/** A number of up to four bytes; bytes that are not there are 0. */
export function littleEndian(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}

/** What is done instead where a device does not know a request; other errors go on. */
export function unlessStalled<T>(instead: Observable<T>): (error: unknown) => Observable<T> {
  return (error) => (isStall(error) ? instead : throwError(() => error));
}

export function isStall(error: unknown): boolean {
  return DeviceError.is(error) && error.code === "control-stalled";
}
