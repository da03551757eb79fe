import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as rxIsoch from "../../src/index.js";
import { asIsochError } from "../../src/errors.js";
import { IsochError } from "../../src/index.js";
import { root } from "../support/entries.js";
import { failure, plain } from "../support/plain-error.js";

type ErrorClass = typeof IsochError;

const classes = Object.entries(rxIsoch).filter(
  (entry): entry is [string, ErrorClass] =>
    typeof entry[1] === "function" && entry[1].prototype instanceof IsochError && entry[1] !== (IsochError as unknown),
);

describe("the error classes", () => {
  it("are all there", () => {
    expect(classes.map(([name]) => name).sort()).toStrictEqual([
      "AccessError",
      "BandwidthError",
      "BusyError",
      "DescriptorError",
      "DeviceError",
      "EndpointError",
      "FileError",
      "FrameError",
      "InvalidRequestError",
      "OverflowError",
      "ProcessError",
      "ResourceError",
      "TransferStateError",
      "TransportError",
      "UnderrunError",
      "UnsupportedError",
    ]);
  });

  it.each(classes)("%s: carries its name, code, message, native code and cause", (name, Class) => {
    const cause = new Error("below");
    const error = new Class("transport-failed", "do this", { native: -71, cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, code: "transport-failed", message: "do this", native: -71, cause });
    expect(String(error)).toBe(`${name}: do this`);
    expect(error.stack).toContain("errors.test.ts");
  });

  it.each(classes)("%s.is tells its own from any other", (name, Class) => {
    const error = new Class("transport-failed", "");
    expect(Class.is(error)).toBe(true);
    expect(IsochError.is(error)).toBe(true);
    expect(Class.is(new IsochError("transport-failed", ""))).toBe(false);
    for (const [other, Other] of classes) expect(Other.is(error)).toBe(other === name);
    for (const value of [undefined, null, "error", new Error(name), { name, code: "transport-failed" }]) {
      expect(Class.is(value)).toBe(false);
    }
  });

  it("have no cause and no native code where none was given", () => {
    const error = new IsochError("overflow", "take them faster");
    expect("cause" in error).toBe(false);
    expect(error.native).toBeUndefined();
  });
});

describe("IsochErrorCode", () => {
  const source = readFileSync(join(root, "src/errors.ts"), "utf8");

  it("is documented code by code, with the class that carries it", () => {
    const documented = Array.from(source.matchAll(/^ \* \| `([a-z-]+)` \| \{@link (\w+)\}/gm), ([, code]) => code);
    const declared = Array.from(source.matchAll(/^ {2}\| "([a-z-]+)"/gm), ([, code]) => code);
    expect(declared.length).toBeGreaterThan(20);
    expect(documented).toStrictEqual(declared);
  });
});

describe("asIsochError", () => {
  it("leaves an error of this library as it is", () => {
    const error = new rxIsoch.DeviceError("device-gone", "attach it again");
    expect(asIsochError(error)).toBe(error);
  });

  it("keeps any other as the cause", () => {
    const cause = new RangeError("EIO");
    const error = asIsochError(cause);
    expect(plain(error)).toStrictEqual(failure("TransportError", "transport-failed", "RangeError: EIO"));
    expect(error.cause).toBe(cause);
  });

  it.each([undefined, null, "text", Symbol("s"), Object.create(null)])("takes whatever was thrown: %s", (thrown) => {
    expect(plain(asIsochError(thrown))).toStrictEqual(failure("TransportError", "transport-failed"));
  });
});
