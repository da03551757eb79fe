import { catchError, defaultIfEmpty, map, mergeMap, of, throwError, type Observable } from "rxjs";
import { DeviceError } from "../../errors.js";
import { littleEndian, unlessStalled, type AudioControlPort } from "./clock-requests.js";
import type { AudioEntity } from "./model.js";

/** GET_DESCRIPTOR (USB 2.0, 9.4.3), and the bDescriptorType of a string (9.6.7). */
const getDescriptor = 6;
const stringType = 3;
/** The language of devices that do not say which they have: English. */
const english = 0x0409;

/** What a clock source is called in a message: with its string where it has one. Emits once. */
export function clockName(port: AudioControlPort, { id, stringIndex, isExternal }: AudioEntity): Observable<string> {
  const plain = `the ${isExternal ? "external " : ""}clock ${id}`;
  if (stringIndex === 0) return of(plain);
  return readString(port, 0, 0).pipe(
    mergeMap((languages) => readString(port, stringIndex, littleEndian(languages, 2, 2) || english)),
    map((bytes) => text(bytes)),
    map((name) => (name === "" ? plain : `${plain} ("${name}")`)),
    // Whatever else is wrong has been found already.
    catchError((error: unknown) =>
      DeviceError.is(error) && error.code === "device-gone" ? throwError(() => error) : of(plain),
    ),
  );
}

/** Emits once: an empty array where there is no such string. */
function readString(port: AudioControlPort, stringIndex: number, language: number): Observable<Uint8Array> {
  const value = (stringType << 8) | stringIndex;
  return port
    .controlTransfer(
      { direction: "in", type: "standard", recipient: "device", request: getDescriptor, value, index: language },
      255,
    )
    .pipe(defaultIfEmpty(new Uint8Array(0)), catchError(unlessStalled(of(new Uint8Array(0)))));
}

/** The characters of a string descriptor, UTF-16. */
function text(bytes: Uint8Array): string {
  const length = Math.max(0, Math.floor((Math.min(bytes.length, bytes[0] ?? 0) - 2) / 2));
  return Array.from({ length }, (_, i) => String.fromCharCode(littleEndian(bytes, 2 + 2 * i, 2))).join("");
}
