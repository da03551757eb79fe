import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catchError, concat, concatMap, EMPTY, ignoreElements, lastValueFrom, map, of, take, toArray } from "rxjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isochPipe, openDevice, type IsochTransport } from "rx-isoch";
import { close, issue } from "rx-isoch/operators";
import { replay } from "rx-isoch/transports/replay";
import { counterDevice, counterProtocol, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { accountOf, recordedAccount, scripted } from "../transports/replay/scripted.js";
import { comparable, recordWhile, results } from "../transports/replay/support.js";
import { prepareProgram } from "../support/apt.js";

const { inEndpoint, outEndpoint, getStatistics } = counterProtocol;
const directory = mkdtempSync(join(tmpdir(), "rx-isoch-"));
let tshark: string;
let file: string;
let recording: Awaited<ReturnType<typeof recordEverything>>;

beforeAll(async () => {
  tshark = prepareProgram({ names: ["tshark"], debian: "tshark", variable: "TSHARK" });
  recording = await recordEverything();
  file = save("recorded.pcapng", recording.bytes);
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Frames in both directions, with all that can go wrong, and control requests that are answered and refused. */
function recordEverything() {
  const bus = new VirtualBus({ clock: unpacedClock() });
  const fault = { type: "packet", endpoint: inEndpoint } as const;
  bus
    .attach(counterDevice())
    .inject(
      { ...fault, frame: 9, status: "crc", actual: 100 },
      { ...fault, frame: 12, status: "pid-check-failure" },
      { ...fault, frame: 20, actual: 0 },
      { type: "host-stall", frame: 60, frames: 200 },
    );
  return recordWhile(bus, (transport) =>
    concat(
      results(transport, inEndpoint, 20, { frames: 16, queue: 2 }),
      of({ lengths: 64, frames: 10 }, { lengths: 100, frames: 200 }).pipe(
        map((request) => ({ ...request, buffer: new Uint8Array(request.lengths * request.frames).fill(0xa5) })),
        issue(isochPipe(transport, { endpoint: outEndpoint, alternate: 2 })),
        close(),
      ),
      ask(transport, getStatistics),
      ask(transport, 0x7e).pipe(catchError(() => EMPTY)),
    ),
  );
}

function ask(transport: IsochTransport, request: number) {
  const setup = { direction: "in", type: "vendor", recipient: "device", request, value: 0, index: 0 } as const;
  return openDevice(transport, {}).pipe(
    concatMap((device) => device.controlTransfer(setup, 12)),
    take(1),
    ignoreElements(),
  );
}

function save(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

function run(...args: string[]): string[] {
  const { status, stdout, stderr, error } = spawnSync(tshark, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`tshark ${args.join(" ")}: ${stderr}`);
  return stdout.split("\n").filter((line) => line !== "");
}

/** One line a packet that the filter lets through, with these fields in it. */
function fields(path: string, filter: string, ...names: string[]): string[] {
  return run("-r", path, "-Y", filter, "-T", "fields", ...names.flatMap((name) => ["-e", name]));
}

describe("what was recorded, in tshark", () => {
  it("has no malformed packet, and nothing that tshark would warn of", () => {
    expect(run("-r", file).length).toBeGreaterThan(60);
    expect(run("-r", file, "-Y", "_ws.malformed || _ws.short || _ws.expert.severity >= 0x600000")).toStrictEqual([]);
  });

  it("has the descriptors of the device, its requests, and what was refused", () => {
    // Asked for at each opening.
    expect(new Set(fields(file, "usb.idVendor", "usb.idVendor", "usb.idProduct"))).toStrictEqual(
      new Set(["0x1209\t0x0001"]),
    );
    expect(fields(file, "usb.bString", "usb.bString")).toContain("counter");
    expect(fields(file, "usb.setup.bRequest == 11", "usb.setup.wInterface").length).toBeGreaterThan(1);
    const refused = "usb.urb_type == 'C' && usb.transfer_type == 2 && usb.urb_status == -32";
    expect(fields(file, refused, "frame.number")).toHaveLength(1);
  });

  it("has every frame with its status, and every request matched with what came of it", () => {
    const isoch = (type: string, endpoint: number) =>
      `usb.transfer_type == 0 && usb.urb_type == '${type}' && usb.endpoint_address == ${endpoint}`;
    const received = fields(file, isoch("C", inEndpoint), "usb.iso.iso_status", "usb.iso.numdesc");
    expect(received.length).toBeGreaterThanOrEqual(20);
    expect(received[0]?.split("\t")).toStrictEqual([
      Array.from({ length: 16 }, (_, i) => statusAt(i + firstFrame())).join(),
      // Wireshark has two fields of that name.
      "16,16",
    ]);
    expect(fields(file, isoch("S", outEndpoint), "usb.iso.numdesc", "usb.urb_len")).toStrictEqual([
      "10,10\t640",
      "200,200\t20000",
    ]);
    const unmatched = "usb.urb_type == 'C' && !usb.request_in";
    expect(fields(file, unmatched, "frame.number")).toStrictEqual([]);
  });
});

describe("what was lost before the first frame, between, and after the last", () => {
  const record = () =>
    recordedAccount(
      scripted(100, [
        { lost: 300, statuses: ["ok", "crc"] },
        { lost: 2, statuses: ["ok"] },
        { lost: 5_000_000, statuses: [] },
      ]),
    );

  it("is packets that the host controller never came to, in tshark", async () => {
    const path = save("losses.pcapng", (await record()).bytes);
    expect(run("-r", path, "-Y", "_ws.malformed || _ws.short || _ws.expert.severity >= 0x600000")).toStrictEqual([]);
    expect(fields(path, "usb.urb_type == 'C' && !usb.request_in", "frame.number")).toStrictEqual([]);
    const lost = "usb.transfer_type == 0 && usb.urb_type == 'C' && usb.iso.iso_status == -18";
    expect(fields(path, lost, "usb.iso.error_count", "usb.iso.numdesc", "usb.start_frame")).toStrictEqual([
      "300\t128,128\t100",
      "2\t2,2\t402",
      "5000000\t128,128\t405",
    ]);
  });

  it.each(["pcapng", "pcap"])("is in what tshark makes of it, as %s", async (format) => {
    const { account, bytes } = await record();
    const path = join(directory, `losses.${format}`);
    run("-r", save("losses.pcapng", bytes), "-w", path, "-F", format);
    const again = accountOf(replay(new Uint8Array(readFileSync(path)), { pace: "fast", speed: "full" }));
    await again.ended;
    expect(again.account).toStrictEqual(account);
  });
});

function firstFrame(): number {
  return recording.values[0]?.firstFrame ?? NaN;
}

function statusAt(frame: number): number {
  return frame === 9 ? -84 : frame === 12 ? -71 : 0;
}

describe("what tshark has written", () => {
  for (const format of ["pcapng", "pcap", "nsecpcap"]) {
    it(`as ${format} is replayed as it was`, async () => {
      const path = join(directory, `written.${format}`);
      run("-r", file, "-w", path, "-F", format);
      const played = replay(new Uint8Array(readFileSync(path)), { pace: "fast", speed: "high" });
      const again = await lastValueFrom(results(played, inEndpoint, 20, { frames: 16, queue: 2 }).pipe(toArray()));
      // Other formats have no comments, and keep the rest.
      expect(comparable(again)).toStrictEqual(comparable(recording.values.slice(0, 20)));
    });
  }
});
