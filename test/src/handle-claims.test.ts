import { describe, expect, it } from "vitest";
import { HandleClaims } from "../../src/handle-claims.js";

const busy = expect.objectContaining({ code: "interface-busy" }) as Error;

describe("HandleClaims", () => {
  it("an interface belongs to one handle, until that gives it back", () => {
    const claims = new HandleClaims("device-1");
    const [one, other] = [{}, {}];
    claims.claim(0, one);
    claims.claim(0, one);
    claims.claim(3, one);
    claims.claim(1, other);
    expect(() => {
      claims.claim(0, other);
    }).toThrow(busy);
    expect(() => {
      claims.check(1, one);
    }).toThrow(busy);
    expect([claims.of(one), claims.of(other), claims.interfaces]).toStrictEqual([[0, 3], [1], [0, 3, 1]]);
    claims.release(0);
    claims.claim(0, other);
    expect([claims.has(0, one), claims.has(0, other)]).toStrictEqual([false, true]);
  });

  it("what nobody has stands in nobody's way", () => {
    const claims = new HandleClaims("device-1");
    claims.claim(0, {});
    claims.releaseAll();
    claims.check(0, {});
    expect(claims.interfaces).toStrictEqual([]);
  });
});
