import { lastValueFrom, takeUntil, tap, timer } from "rxjs";
import { isochPipe, type IsochResults } from "rx-isoch";
import { libusb, libusbCounters } from "rx-isoch/transports/libusb";
import { readCounter } from "rx-isoch/transports/virtual";
import { describe, expect, it } from "vitest";
import { CounterBus } from "../support/counter-devices.js";
import { limitUsbfsMemory } from "../support/usbfs-memory.js";

const seconds = Number(process.env["VM_STREAM_SECONDS"] ?? 60);
const packetLength = 3072;
const mebibyte = 2 ** 20;

/** What a stream brought, by the counters at both ends of each transfer. */
class Ledger {
  frames = 0;
  lost = 0;
  missing = 0;
  #expected: number | undefined;

  add({ served, lost, data, error, bytesTransferred }: IsochResults): void {
    expect(error).toBe("ok");
    expect(bytesTransferred).toBe(served * packetLength);
    const first = readCounter(data) ?? NaN;
    expect((readCounter(data.subarray(-packetLength)) ?? NaN) - first).toBe(served - 1);
    this.missing += first - (this.#expected ?? first);
    this.#expected = first + served;
    this.frames += served;
    this.lost += lost;
  }
}

/** What the program has in use. */
interface Usage {
  /** Resident memory, in bytes. */
  readonly memory: number;
  /** Handles and timers of the loop. */
  readonly resources: number;
  /** All that the addon counts but the buffers that the collector has not found yet. */
  readonly native: string;
}

function usage(): Usage {
  const { buffers: _, ...native } = libusbCounters();
  return {
    memory: process.memoryUsage.rss(),
    resources: process.getActiveResourcesInfo().length,
    native: JSON.stringify(native),
  };
}

// Whatever else the host does can hold up the whole guest for longer than anything is in flight.
describe("the ceiling of high speed", { retry: 2 }, () => {
  it(
    `is streamed for ${seconds} s with nothing lost, in memory that does not grow`,
    async () => {
      limitUsbfsMemory(64);
      await using bus = await CounterBus.open();
      await bus.attach({ speed: "high", serialNumber: "endurance" });
      const pipe = isochPipe(libusb(), { serialNumber: "endurance", endpoint: 0x81, alternate: 1 });
      const ledger = new Ledger();
      const usages: Usage[] = [];
      const sampling = setInterval(() => usages.push(usage()), (seconds * 1000) / 20);
      try {
        // In flight for a second: emulation holds up threads as no real machine does.
        await lastValueFrom(
          pipe.results({ frames: 128, queue: 64 }).pipe(
            tap((results) => {
              ledger.add(results);
            }),
            takeUntil(timer(seconds * 1000)),
          ),
        );
      } finally {
        clearInterval(sampling);
      }
      await lastValueFrom(pipe.closing, { defaultValue: undefined });

      const megabytes = usages.map(({ memory }) => Math.round(memory / mebibyte));
      console.log(`endurance: ${ledger.frames} frames in ${seconds} s; resident memory in MiB: ${megabytes.join(" ")}`);
      console.log(`endurance: in use meanwhile: ${usages.at(-1)?.native ?? ""}`);
      expect(ledger).toMatchObject({ lost: 0, missing: 0 });
      expect(ledger.frames).toBeGreaterThan(0.9 * 8000 * seconds);
      // The ring and the collector have found their level in the first half.
      const [early, late] = [megabytes.slice(5, 10), megabytes.slice(-5)];
      expect(Math.max(...late)).toBeLessThan(1.1 * Math.max(...early) + 8);
      const settled = usages.slice(5);
      expect(new Set(settled.map(({ resources }) => resources)).size).toBe(1);
      expect(new Set(settled.map(({ native }) => native.replace(/"inFlight":\d+/, ""))).size).toBe(1);
    },
    (seconds + 60) * 1000,
  );
});
