import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor } from "../../../src/descriptors/configuration.js";
import { parseDeviceDescriptor } from "../../../src/descriptors/device.js";
import type { ConfigurationDescriptor, RawDescriptor } from "../../../src/descriptors/model.js";
import {
  findIsochEndpoint,
  isochEndpoints,
  maxBytesPerInterval,
  serviceInterval,
  type Speed,
} from "../../../src/endpoint.js";
import { DescriptorError, IsochError } from "../../../src/errors.js";
import * as fixtures from "../../fixtures/descriptors/index.js";

/** FUZZ_SEED=n repeats a run: fast-check prints the seed of one that failed. */
const given = Number.parseInt(process.env["FUZZ_SEED"] ?? "", 10);
const seed = Number.isNaN(given) ? {} : { seed: given };

const speeds: readonly Speed[] = ["low", "full", "high", "super", "super-plus"];
const configurations = Object.values(fixtures).map(({ configuration }) => configuration);
const margin = 8;

/** The result, or `undefined` for an error of `kind`; any other error goes through. */
function attempt<T>(kind: typeof IsochError, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (kind.is(error)) return undefined;
    throw error;
  }
}

/** Every rule that holds for any bytes whatever; tells whether they parsed. */
function holds(bytes: Uint8Array): boolean {
  const memory = new Uint8Array(bytes.length + 2 * margin).fill(0xa5);
  const view = memory.subarray(margin, margin + bytes.length);
  view.set(bytes);
  attempt(DescriptorError, () => parseDeviceDescriptor(view));
  const configuration = attempt(DescriptorError, () => parseConfigurationDescriptor(view));
  if (configuration === undefined) return false;
  for (const { type, bytes: inner } of allRaw(configuration)) {
    const isInside =
      inner.buffer === memory.buffer &&
      inner.byteOffset >= margin &&
      inner.byteOffset + inner.length <= margin + bytes.length;
    if (!isInside || inner.length !== inner[0] || type !== inner[1]) throw new Error("a view is not what it should be");
  }
  calculate(configuration);
  return true;
}

function allRaw({ extra, interfaces }: ConfigurationDescriptor): RawDescriptor[] {
  const alternates = interfaces.flatMap((one) => one.alternates);
  const endpoints = alternates.flatMap((alternate) => alternate.endpoints);
  return [extra, ...alternates.map((a) => a.extra), ...endpoints.map((e) => e.extra)].flat();
}

function calculate(configuration: ConfigurationDescriptor): void {
  const places = isochEndpoints(configuration);
  for (const { endpoint } of places) {
    for (const speed of speeds) {
      const microseconds = attempt(IsochError, () => serviceInterval(endpoint, speed)) ?? 125;
      const most = attempt(IsochError, () => maxBytesPerInterval(endpoint, speed)) ?? 0;
      const isWithin = microseconds >= 125 && microseconds <= 32_768_000 && most >= 0 && most <= 312_500;
      if (!isWithin) throw new Error(`${microseconds} microseconds, ${most} bytes`);
    }
  }
  for (const speed of speeds) {
    const endpoint = places.at(-1)?.endpoint.address ?? 0x81;
    attempt(IsochError, () => findIsochEndpoint(configuration, { endpoint }, speed));
  }
  attempt(IsochError, () => findIsochEndpoint(configuration, { endpoint: 0x82, alternate: 1 }, "high"));
}

/** Writes a configuration header over the first nine bytes, with a wTotalLength that is right. */
function withHeader(bytes: Uint8Array): Uint8Array {
  const headed = Uint8Array.of(9, 2, 0, 0, 1, 1, 0, 0x80, 50, ...bytes.subarray(9));
  new DataView(headed.buffer).setUint16(2, headed.length, true);
  return headed;
}

type Mutation =
  | { readonly kind: "flip" | "set"; readonly at: number; readonly value: number }
  | { readonly kind: "length"; readonly at: number; readonly value: number }
  | { readonly kind: "truncate"; readonly at: number }
  | {
      readonly kind: "splice";
      readonly at: number;
      readonly from: number;
      readonly start: number;
      readonly count: number;
    }
  | { readonly kind: "repair" };

const byte = fc.nat(255);
const at = fc.nat(0xffff);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constantFrom("flip" as const, "set" as const), at, value: byte }),
  fc.record({ kind: fc.constant("length" as const), at, value: byte }),
  fc.record({ kind: fc.constant("truncate" as const), at }),
  fc.record({
    kind: fc.constant("splice" as const),
    at,
    from: fc.nat(configurations.length - 1),
    start: at,
    count: fc.nat(60),
  }),
  fc.record({ kind: fc.constant("repair" as const) }),
);

function mutate(bytes: Uint8Array, change: Mutation): Uint8Array {
  if (change.kind === "repair") return withHeader(bytes);
  const position = change.at % (bytes.length + 1);
  switch (change.kind) {
    case "truncate":
      return bytes.subarray(0, position);
    case "splice": {
      const donor = configurations[change.from] ?? bytes;
      const start = change.start % donor.length;
      const piece = donor.subarray(start, start + change.count);
      return Uint8Array.of(...bytes.subarray(0, position), ...piece, ...bytes.subarray(position));
    }
    case "length":
      return replaced(bytes, startOfDescriptor(bytes, position), () => change.value);
    case "set":
      return replaced(bytes, position, () => change.value);
    case "flip":
      return replaced(bytes, position, (old) => old ^ change.value);
  }
}

function replaced(bytes: Uint8Array, position: number, value: (old: number) => number): Uint8Array {
  const copy = bytes.slice();
  copy[position] = value(copy[position] ?? 0);
  return copy;
}

/** Where the descriptor begins that `position` is in, as far as the lengths go. */
function startOfDescriptor(bytes: Uint8Array, position: number): number {
  let start = 0;
  for (let next = 0; next <= position && next < bytes.length; next += Math.max(1, bytes[next] ?? 0)) start = next;
  return start;
}

describe("100,000 inputs throw nothing but DescriptorError", { timeout: 120_000 }, () => {
  it("20,000 of random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        holds(bytes);
      }),
      { ...seed, numRuns: 20_000 },
    );
  });

  it("30,000 of random descriptors behind a right header", () => {
    const type = fc.oneof(byte, fc.constantFrom(0x02, 0x04, 0x05, 0x0b, 0x24, 0x25, 0x30, 0x31));
    const descriptor = fc
      .tuple(type, fc.uint8Array({ maxLength: 10 }))
      .map(([kind, body]) => [body.length + 2, kind, ...body]);
    let parsed = 0;
    fc.assert(
      fc.property(fc.array(descriptor, { maxLength: 12 }), (descriptors) => {
        parsed += Number(holds(withHeader(Uint8Array.of(9, 2, 0, 0, 0, 0, 0, 0, 0, ...descriptors.flat()))));
      }),
      { ...seed, numRuns: 30_000 },
    );
    expect(parsed).toBeGreaterThan(1000);
  });

  it("50,000 of real configurations, mutated", () => {
    let parsed = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...configurations),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        (bytes, changes) => {
          parsed += Number(holds(changes.reduce(mutate, bytes)));
        },
      ),
      { ...seed, numRuns: 50_000 },
    );
    expect(parsed).toBeGreaterThan(5000);
  });
});

describe("the largest inputs take no time", () => {
  const filled = (descriptor: readonly number[]) =>
    withHeader(Uint8Array.from({ length: 65_535 }, (_, index) => descriptor[(index - 9) % descriptor.length] ?? 0));
  const endpoints = [7, 5, 0x81, 1, 0, 4, 1];

  it.each([
    ["unknown descriptors of two bytes", [2, 0xff]],
    ["interfaces, all the same", [9, 4, 0, 0, 0, 0, 0, 0, 0]],
    ["endpoints outside an interface", endpoints],
    ["interfaces with an endpoint", [9, 4, 0, 0, 1, 0xff, 0, 0, 0, ...endpoints]],
    [
      "companions",
      [9, 4, 0, 0, 1, 0xff, 0, 0, 0, ...endpoints, ...Array<number[]>(30).fill([6, 0x30, 0, 0, 0, 4]).flat()],
    ],
    ["zeros", [0]],
  ])("64 KiB of %s", (_, descriptor) => {
    const bytes = filled(descriptor);
    const start = performance.now();
    holds(bytes);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("64 KiB of endpoints in one alternate setting, all of them looked up", () => {
    const bytes = filled(endpoints);
    bytes.set([9, 4, 0, 0, 255, 0xff, 0, 0, 0], 9);
    const rest = filled(endpoints).subarray(9);
    const whole = withHeader(Uint8Array.of(...bytes.subarray(0, 18), ...rest.subarray(0, 7 * 9300)));
    const configuration = parseConfigurationDescriptor(whole);
    const start = performance.now();
    expect(isochEndpoints(configuration).length).toBe(9300);
    expect(attempt(IsochError, () => findIsochEndpoint(configuration, { endpoint: 0x82 }, "high"))).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
