import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { IsochError } from "rx-isoch";
import { Admission, type AdmissionOptions } from "../../../../transports/usbip/node/admission.js";
import { subprotocol, tokenProtocol } from "../../../../transports/usbip/web-socket/protocols.js";

const token = "correct horse battery";
const here = "127.0.0.1:3241";

function ask(options: AdmissionOptions, headers: Readonly<Record<string, string>>, isLocal = true): number | "in" {
  const refusal = new Admission(options).refusal({ headers } as unknown as IncomingMessage, isLocal);
  if (refusal === undefined) return "in";
  expect(refusal.error).toMatchObject({ name: "AccessError", code: "access-denied" });
  return refusal.status;
}

function codeOf(options: AdmissionOptions): string {
  try {
    new Admission(options);
    return "taken";
  } catch (error) {
    return IsochError.is(error) ? error.code : String(error);
  }
}

describe("the host", () => {
  it.each(["127.0.0.1:3241", "localhost:3241", "LOCALHOST", "localhost:", "[::1]:3241", "127.1.2.3"])(
    "%j is loopback",
    (host) => {
      expect(ask({}, { host })).toBe("in");
    },
  );

  it.each([
    "evil.example",
    "evil.example:3241",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.evil.example",
    "evil.example#localhost",
    "localhost@evil.example",
    "localhost, evil.example",
    "[::1].evil.example",
    "0.0.0.0:3241",
    "192.168.1.20",
    "",
  ])("%j is not, with a token or without", (host) => {
    expect(ask({}, { host })).toBe(403);
    expect(ask({ token }, { host, "sec-websocket-protocol": tokenProtocol(token) })).toBe(403);
  });

  it("is no concern elsewhere, where a token is, unless names are given", () => {
    const headers = { host: "lab.example:8443", "sec-websocket-protocol": tokenProtocol(token) };
    expect(ask({ token }, headers, false)).toBe("in");
    expect(ask({ token, hosts: ["Lab.example"] }, headers, false)).toBe("in");
    expect(ask({ token, hosts: ["other.example"] }, headers, false)).toBe(403);
    expect(ask({ token, hosts: ["other.example"] }, { ...headers, host: here }, false)).toBe(403);
    expect(ask({ hosts: ["lab.example"] }, { host: "lab.example" })).toBe("in");
    expect(ask({ hosts: ["lab.example"] }, { host: here })).toBe("in");
  });

  it.each(["", "lab.example:80", "https://lab.example", "lab.example/", "a b"])("%j is no name", (host) => {
    expect(codeOf({ hosts: [host] })).toBe("invalid-option");
  });
});

describe("the origin", () => {
  const origins = ["http://localhost:4200", "https://app.example"];

  it("may be missing: only browsers send one", () => {
    expect(ask({}, { host: here })).toBe("in");
    expect(ask({ origins }, { host: here })).toBe("in");
  });

  it.each(["http://localhost:4200", "https://app.example"])("%j is listed", (origin) => {
    expect(ask({ origins }, { host: here, origin })).toBe("in");
    expect(ask({}, { host: here, origin })).toBe(403);
  });

  it.each([
    "http://localhost",
    "http://localhost:42000",
    "https://localhost:4200",
    "http://app.example",
    "https://app.example.evil.example",
    "https://evil.example/https://app.example",
    "http://127.0.0.1:3241",
    "null",
    "",
    "http://localhost:4200, https://evil.example",
  ])("%j is not", (origin) => {
    expect(ask({ origins }, { host: here, origin })).toBe(403);
  });

  it.each(["*", "null", "", "app.example", "https://app.example/", "https://App.example", "https://app.example:443"])(
    "%j matches none, and is refused as an option",
    (origin) => {
      expect(codeOf({ origins: [origin] })).toBe("invalid-option");
    },
  );

  it("of an extension is one", () => {
    expect(codeOf({ origins: ["chrome-extension://abcdefghijklmnop"] })).toBe("taken");
  });
});

describe("the token", () => {
  const offering = (...protocols: string[]) => ({ host: here, "sec-websocket-protocol": protocols.join(", ") });

  it("comes as a subprotocol", () => {
    expect(ask({ token }, offering(subprotocol, tokenProtocol(token)))).toBe("in");
    expect(ask({ token: 'ünïcödé, "and" more' }, offering(tokenProtocol('ünïcödé, "and" more')))).toBe("in");
  });

  it.each([
    ["nothing", []],
    ["nothing but the protocol", [subprotocol]],
    ["another", [subprotocol, tokenProtocol("correct horse batterz")]],
    ["a part of it", [tokenProtocol(token).slice(0, -2)]],
    ["more than it", [tokenProtocol(`${token}!`)]],
    ["an empty one", [tokenProtocol("")]],
    ["it as it is", [token]],
    ["it in capitals", [tokenProtocol(token).toUpperCase()]],
    ["two, one of them right", [tokenProtocol(token), tokenProtocol("guess")]],
  ])("is not %s", (_, protocols) => {
    expect(ask({ token }, offering(...protocols))).toBe(401);
  });

  it("is not asked for where there is none", () => {
    expect(ask({}, offering(subprotocol, tokenProtocol("whatever it is")))).toBe("in");
  });

  it.each(["", "short", "0123456789abcde", "x".repeat(1025)])("has a length that fits: not %j", (bad) => {
    expect(codeOf({ token: bad })).toBe("invalid-option");
  });
});

describe("the path", () => {
  const isFor = (path: string | undefined, url: string) =>
    new Admission({ path }).isForPath({ url } as unknown as IncomingMessage);

  it("is the whole of it, the query left out", () => {
    expect(isFor(undefined, "/")).toBe(true);
    expect(isFor("/usb", "/usb?a=b")).toBe(true);
    expect(isFor("/usb", "/usb/")).toBe(false);
    expect(isFor("/usb", "/")).toBe(false);
    expect(isFor(undefined, "http://evil.example/")).toBe(false);
  });

  it.each(["", "usb", "/a?b", "/a b"])("is none: %j", (path) => {
    expect(codeOf({ path })).toBe("invalid-option");
  });
});

it("what a stranger writes is cut short in the message, and cannot break its line", () => {
  const refusal = new Admission({}).refusal(
    { headers: { host: here, origin: `http://a\n${"x".repeat(5000)}` } } as unknown as IncomingMessage,
    true,
  );
  expect(refusal?.error.message.length).toBeLessThan(300);
  expect(refusal?.error.message).not.toContain("\n");
});
