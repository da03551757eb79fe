import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catchError, EMPTY, lastValueFrom, take, toArray } from "rxjs";
import { DeviceError, isochPipe, type IsochResults, type IsochTransport } from "rx-isoch";
import { libusb } from "rx-isoch/transports/libusb";
import { replay } from "rx-isoch/transports/replay";
import { readCounter } from "rx-isoch/transports/virtual";
import { expect, onTestFinished, test } from "vitest";
import { CounterBus } from "./support/counter-devices.js";
import { load } from "./support/kernel.js";
import { until } from "./support/sysfs.js";

const selector = { serialNumber: "captured" };
const options = { frames: 16, queue: 32 };
const count = 60;

const streamOf = (transport: IsochTransport) => isochPipe(transport, { ...selector, endpoint: 0x81 });

/** What came in each frame: its status, and the counter of its packet. */
const framesOf = (results: readonly IsochResults[]) =>
  results.flatMap((each) =>
    Array.from(each, ({ status, actual, data }) => ({ status, actual, counter: readCounter(data) })),
  );

/** Has tcpdump write what usbmon sees of every bus, until the function that it returns is called. */
async function capture(file: string): Promise<() => Promise<void>> {
  load("usbmon");
  const tcpdump = spawn("tcpdump", ["-i", "usbmon0", "-s", "0", "-B", "8192", "-Z", "root", "-w", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  tcpdump.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  const ended = once(tcpdump, "exit");
  onTestFinished(() => void tcpdump.kill());
  await until("tcpdump listens", () => said.includes("listening on usbmon0"));
  return async () => {
    tcpdump.kill("SIGINT");
    await ended;
    expect(said).toContain("0 packets dropped by kernel");
  };
}

test("what tcpdump captured of a stream is replayed as it was received", async () => {
  const directory = mkdtempSync(join(tmpdir(), "usbmon-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, "usbmon.pcap");
  await using bus = await CounterBus.open();
  const stop = await capture(file);
  // The kernel reads its descriptors now, and the capture has them.
  await bus.attach({ speed: "full", ...selector });
  const pipe = streamOf(libusb());
  const received = await lastValueFrom(pipe.results(options).pipe(take(count), toArray()));
  await lastValueFrom(pipe.closing, { defaultValue: undefined });
  await stop();

  const replayed = await lastValueFrom(
    streamOf(replay(new Uint8Array(readFileSync(file)), { pace: "fast" }))
      .results(options)
      .pipe(
        // The end of the capture.
        catchError((error: unknown) => {
          expect(DeviceError.is(error) && error.code).toBe("device-gone");
          return EMPTY;
        }),
        toArray(),
      ),
  );
  const live = framesOf(received);
  expect(live).toHaveLength(count * options.frames);
  expect(framesOf(replayed).slice(0, live.length)).toStrictEqual(live);
  expect(replayed.reduce((lost, each) => lost + each.lost, 0)).toBe(
    received.reduce((lost, each) => lost + each.lost, 0),
  );
});
