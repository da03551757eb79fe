import * as crypto from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { Token } from "../../../../transports/usbip/node/token.js";

vi.mock("node:crypto", async (original) => {
  const actual = await original<typeof crypto>();
  return { ...actual, timingSafeEqual: vi.fn(actual.timingSafeEqual) };
});

const written = "correct horse battery";

describe("a token", () => {
  it("is matched by itself, as text or as bytes", () => {
    expect(new Token(written).matches(written)).toBe(true);
    expect(new Token(written).matches(new TextEncoder().encode(written))).toBe(true);
    expect(new Token("ünïcödé").matches(new TextEncoder().encode("ünïcödé"))).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["its first character", written.slice(0, 1)],
    ["all but its last", written.slice(0, -1)],
    ["another last one", `${written.slice(0, -1)}x`],
    ["another first one", `x${written.slice(1)}`],
    ["more than it", `${written}!`],
    ["it twice", written + written],
    ["a megabyte", "x".repeat(1 << 20)],
  ])("is not matched by %s, whose comparison is that of any other", (_, offered) => {
    const token = new Token(written);
    const compare = vi.mocked(crypto.timingSafeEqual).mockClear();
    expect(token.matches(offered)).toBe(false);
    // One comparison, of digests: equally long, and with nothing in common where the texts begin alike.
    expect(compare.mock.calls.map(([one, other]) => [one.byteLength, other.byteLength])).toStrictEqual([[32, 32]]);
  });
});
