import { expect, it } from "vitest";
import { joined } from "../../src/joined.js";

it("joined puts bytes one after the other, and shares none of them", () => {
  const part = Uint8Array.of(2, 3);
  const whole = joined([Uint8Array.of(1), new Uint8Array(0), part]);
  part.fill(9);
  expect(whole).toStrictEqual(Uint8Array.of(1, 2, 3));
  expect(joined([])).toStrictEqual(new Uint8Array(0));
});
