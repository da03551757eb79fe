import { describe, expect, it } from "vitest";
import { hostAndPort } from "../../../../src/cli/serve/addresses.js";

describe("hostAndPort", () => {
  it.each([
    ["localhost", "localhost", undefined],
    ["localhost:3240", "localhost", 3240],
    ["192.168.1.20:1", "192.168.1.20", 1],
    ["[::1]:3240", "::1", 3240],
    ["[fe80::1%eth0]", "fe80::1%eth0", undefined],
  ])("reads %s", (text, host, port) => {
    expect(hostAndPort(text)).toStrictEqual({ host, port });
  });

  it.each(["", "a b", "::1", ":3240", "host:", "host:99999", "host:x", "http://host", "a/b"])("refuses %j", (text) => {
    expect(hostAndPort(text)).toBeUndefined();
  });
});
