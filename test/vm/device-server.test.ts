import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tcpStream } from "../../transports/usbip/tcp.js";
import { StrictClient } from "../transports/usbip/strict-client.js";
import type { PluggedDevice, ServedAudit } from "./device-requests.js";
import { startDeviceServer, type DeviceServer } from "./device-server.js";

const loopback = "127.0.0.1";

let server: DeviceServer;
let control: Socket;
let lines: AsyncIterator<string>;

beforeEach(async () => {
  server = await startDeviceServer();
  control = connect(server.port, loopback);
  lines = createInterface({ input: control })[Symbol.asyncIterator]();
  await once(control, "connect");
});

afterEach(async () => {
  control.destroy();
  await server.close();
});

async function send(line: string): Promise<{ readonly answer?: unknown; readonly error?: string }> {
  control.write(`${line}\n`);
  return JSON.parse(String((await lines.next()).value)) as { readonly answer?: unknown; readonly error?: string };
}

async function request<T>(name: string, argument: object | null): Promise<T> {
  const { answer, error } = await send(JSON.stringify({ request: name, argument }));
  if (error !== undefined) throw new Error(error);
  return answer as T;
}

async function importFrom({ port, busId }: PluggedDevice): Promise<StrictClient> {
  const client = new StrictClient(tcpStream(connect({ port, host: loopback, allowHalfOpen: true })));
  expect((await client.import(busId)).status).toBe(0);
  return client;
}

describe("the device server", () => {
  it("exports what is plugged in, counts what arrives, and says what is in use", async () => {
    const plugged = await request<PluggedDevice>("plug", { speed: "full", serialNumber: "A" });
    // The loopback address of the host, as the guest has it.
    expect(plugged).toMatchObject({ busId: "1-1", host: "10.0.2.2" });
    const client = await importFrom(plugged);
    expect(await client.selectAlternate(2)).toBe(0);
    await client.isochronous("out", 4, 8, { data: new Uint8Array(32) }).reply;
    const { id } = plugged;
    expect(await request("statistics", { id })).toStrictEqual({ packets: 4, mismatches: 3, short: 0 });
    expect(await request("audit", null)).toMatchObject({ openDevices: 1, claimedInterfaces: 1, clients: 1 });

    client.end();
    await request("released", { id });
    expect(await request<ServedAudit>("audit", null)).toMatchObject({
      openDevices: 0,
      claimedInterfaces: 0,
      inFlight: 0,
      failures: [],
    });
  });

  it("unplugs a device, of which the statistics stay", async () => {
    const plugged = await request<PluggedDevice>("plug", {});
    const client = await importFrom(plugged);
    await request("unplug", { id: plugged.id });
    await client.closed;
    expect(client.failure).toBeUndefined();
    expect(await request("statistics", { id: plugged.id })).toStrictEqual({ packets: 0, mismatches: 0, short: 0 });
  });

  it("counts the frames of a fault from now", async () => {
    const plugged = await request<PluggedDevice>("plug", { speed: "full" });
    const client = await importFrom(plugged);
    await client.selectAlternate(1);
    await request("inject", {
      id: plugged.id,
      faults: [{ type: "packet", endpoint: 0x81, frame: 0, frames: 1000, status: "crc" }],
    });
    const reply = await client.isochronous("in", 8, 1023).reply;
    expect(reply).toMatchObject({ type: "submit-reply", errorCount: 8 });
    client.end();
    await client.closed;
  });

  it("exports a camera, which settles for a mode and sends pictures", async () => {
    const plugged = await request<PluggedDevice>("plugClass", { kind: "camera", options: { formats: ["mjpeg"] } });
    const client = await importFrom(plugged);
    // SET_CUR and GET_CUR of VS_COMMIT_CONTROL: 320 × 240 at 30 pictures a second.
    const wish = Uint8Array.from({ length: 34 }, (_, i) => [1, 0, 1, 2, 0x15, 0x16, 0x05][i] ?? 0);
    expect(await client.control([0x21, 0x01, 0, 2, 1, 0, 34, 0], wish)).toMatchObject({ status: 0, actualLength: 34 });
    expect(await client.control([0xa1, 0x81, 0, 2, 1, 0, 34, 0])).toMatchObject({ status: 0, actualLength: 34 });
    // GET_CUR of a control that is not there: EPIPE.
    expect(await client.control([0xa1, 0x81, 0, 9, 1, 0, 34, 0])).toMatchObject({ status: -32 });
    expect(await client.selectAlternate(1, 1)).toBe(0);
    const reply = await client.isochronous("in", 64, 192).reply;
    expect(reply).toMatchObject({ type: "submit-reply", status: 0, errorCount: 0 });
    expect(await request("counts", { id: plugged.id })).toStrictEqual({ pictures: 1, skipped: 0 });
    client.end();
    await client.closed;
  });

  it("exports a speaker, and hands out what arrived there", async () => {
    const plugged = await request<PluggedDevice>("plugClass", { kind: "speaker", options: {} });
    const client = await importFrom(plugged);
    expect(await client.selectAlternate(1, 1)).toBe(0);
    const data = Uint8Array.from({ length: 768 }, (_, i) => i & 0xff);
    await client.isochronous("out", 4, 192, { data }).reply;
    const recorded = await request<string>("recorded", { id: plugged.id });
    expect(Buffer.from(recorded, "base64").equals(data)).toBe(true);
    expect(await request("counts", { id: plugged.id })).toMatchObject({ packets: 4, samples: 192, malformed: 0 });
    client.end();
    await client.closed;
  });

  it("exports a microphone of UAC 2.0, with its clock and a packet in each microframe", async () => {
    const options = { uacVersion: 2, sampleRates: [44_100, 48_000] };
    const plugged = await request<PluggedDevice>("plugClass", { kind: "microphone", options });
    const client = await importFrom(plugged);
    // CUR of the sampling frequency, which is set to 48 kHz, then of the validity, of the clock source.
    const rate = Uint8Array.of(0x80, 0xbb, 0, 0);
    expect(await client.control([0x21, 1, 0, 1, 0, 10, 4, 0], rate)).toMatchObject({ status: 0, actualLength: 4 });
    expect(await client.control([0xa1, 1, 0, 2, 0, 10, 1, 0])).toMatchObject({ status: 0, actualLength: 1 });
    // SET_CUR of UAC 1.0 to the endpoint: EPIPE.
    expect(await client.control([0x22, 1, 0, 1, 0x81, 0, 3, 0], rate.subarray(0, 3))).toMatchObject({ status: -32 });
    expect(await client.selectAlternate(1, 1)).toBe(0);
    const reply = await client.isochronous("in", 64, 28).reply;
    expect(reply).toMatchObject({ type: "submit-reply", status: 0, errorCount: 0 });
    expect(await request("counts", { id: plugged.id })).toStrictEqual({ sent: 64 * 6, lost: 0 });
    client.end();
    await client.closed;
  });

  it.each(["statistics", "recorded"])("a microphone has no %s", async (name) => {
    const { id } = await request<PluggedDevice>("plugClass", { kind: "microphone", options: { channels: 1 } });
    await expect(request(name, { id })).rejects.toThrow(id);
  });

  it("gives each connection a bus of its own, which goes with it", async () => {
    const plugged = await request<PluggedDevice>("plug", {});
    const client = await importFrom(plugged);
    const other = connect(server.port, loopback);
    await once(other, "connect");
    other.destroy();
    expect(await request("audit", null)).toMatchObject({ openDevices: 1 });

    control.destroy();
    await client.closed;
    const late = connect(plugged.port, loopback);
    await expect(once(late, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it.each([
    ["a device that is none", JSON.stringify({ request: "unplug", argument: { id: "virtual-9" } }), "virtual-9"],
    ["an option that is none", JSON.stringify({ request: "plug", argument: { speed: "warp" } }), "speed"],
    ["a line that is no JSON", "plug", "JSON"],
  ])("answers %s with an error, and goes on", async (_name, line, message) => {
    expect((await send(line)).error).toContain(message);
    expect(await request("audit", null)).toMatchObject({ openDevices: 0 });
  });

  it("closes every bus when it closes", async () => {
    const client = await importFrom(await request<PluggedDevice>("plug", {}));
    await server.close();
    await client.closed;
    expect(client.isClosed).toBe(true);
  });
});
