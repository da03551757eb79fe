import { defer, lastValueFrom, of, throwError, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import type { AudioControlPort } from "../../../../src/class/uac/index.js";
import { clockValid } from "../../../../src/class/uac/clock-validity.js";
import { DeviceError, TransportError } from "../../../../src/index.js";
import { marbles } from "../../../support/marbles.js";
import { failure, plain, plainErrors } from "../../../support/plain-error.js";
import { clockEntityOf } from "./clocks.js";

/** A device with a clock that is not valid and with strings; and which of them it was asked for, in which language. */
function named(strings: Readonly<Record<number, readonly number[]>>) {
  const asked: string[] = [];
  const port: AudioControlPort = {
    controlTransfer: ({ type, value, index }) => {
      if (type === "class") return of(Uint8Array.of(0));
      asked.push(`${value & 0xff} in 0x${index.toString(16)}`);
      const bytes = strings[value & 0xff];
      return bytes === undefined
        ? throwError(() => new DeviceError("control-stalled", "no"))
        : of(Uint8Array.from(bytes));
    },
  };
  return { port, asked };
}

const german = [4, 3, 0x07, 0x04];
const word = [10, 3, ...Array.from("Wört", (letter) => [letter.charCodeAt(0), 0]).flat()];

async function invalid(port: AudioControlPort, stringIndex: number) {
  const source = clockEntityOf("clock-source", 7, [], { stringIndex });
  return lastValueFrom(clockValid(port, 0, source, 0).pipe(toArray())).catch((error: unknown) => plain(error));
}

const failed = (name: string) => failure("DeviceError", "clock-invalid", `says that the clock ${name} is not valid`);

describe("a clock that is not valid", () => {
  it("is named by its string, in the first language of the device", async () => {
    const { port, asked } = named({ 0: german, 3: word });
    expect(await invalid(port, 3)).toStrictEqual(failed('7 ("Wört")'));
    expect(asked).toStrictEqual(["0 in 0x0", "3 in 0x407"]);
  });

  it("is named in English where the device does not tell a language", async () => {
    const { port, asked } = named({ 3: word });
    expect(await invalid(port, 3)).toStrictEqual(failed('7 ("Wört")'));
    expect(asked).toStrictEqual(["0 in 0x0", "3 in 0x409"]);
  });

  it.each<[what: string, index: number, strings: Readonly<Record<number, readonly number[]>>]>([
    ["has none", 0, {}],
    ["does not give it", 3, { 0: german }],
    ["has an empty one", 3, { 0: german, 3: [2, 3] }],
    ["answers nothing", 3, { 0: [], 3: [] }],
    ["answers a piece of one", 3, { 0: german, 3: [9] }],
  ])("is a number where it %s", async (_, index, strings) => {
    expect(await invalid(named(strings).port, index)).toStrictEqual(failed("7"));
  });

  it("is a number where asking for its string fails in another way", async () => {
    const silent: AudioControlPort = {
      controlTransfer: ({ type }) =>
        type === "class"
          ? of(Uint8Array.of(0))
          : throwError(() => new TransportError("transport-failed", "did not answer in time")),
    };
    expect(await invalid(silent, 3)).toStrictEqual(failed("7"));
  });

  it("is waited for as long as can be asked for", () => {
    marbles((m) => {
      let asked = 0;
      const port: AudioControlPort = {
        controlTransfer: () =>
          defer(() => {
            asked++;
            return of(Uint8Array.of(0));
          }),
      };
      const source = clockEntityOf("clock-source", 7, [], { stringIndex: 0 });
      m.expect(clockValid(port, 0, source, 600_000).pipe(plainErrors())).toBeObservable(
        "600s #",
        {},
        failure("DeviceError", "clock-invalid", "for 600000 ms"),
      );
      m.flush();
      expect(asked).toBe(6001);
    })();
  });

  it("is not the word where the device is gone", async () => {
    const gone: AudioControlPort = {
      controlTransfer: ({ type }) =>
        type === "class" ? of(Uint8Array.of(0)) : throwError(() => new DeviceError("device-gone", "away")),
    };
    expect(await invalid(gone, 3)).toStrictEqual(failure("DeviceError", "device-gone", "away"));
  });
});
