import { bufferTime, firstValueFrom, lastValueFrom, Subject } from "rxjs";
import { libusb, libusbCounters } from "rx-isoch/transports/libusb";
import { usbip } from "rx-isoch/transports/usbip";
import { serve, type ServeEvent } from "rx-isoch/transports/usbip/serve";
import { connectTcp } from "rx-isoch/transports/usbip/tcp";
import { connectWebSocket } from "rx-isoch/transports/usbip/websocket";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { CounterBus } from "../support/counter-devices.js";
import { expectEveryCounter, readCounters } from "../support/counters.js";
import { until } from "../support/sysfs.js";

const token = "nobody guesses this token";

let bus: CounterBus;

beforeEach(async () => {
  bus = await CounterBus.open();
});

afterEach(() => bus.close());

// The guest as a whole may stand still for longer than what is in flight lasts, where the machine has other work.
test(
  "a device that libusb has here is read over our bridge, by TCP and by WebSocket, every counter intact",
  { retry: 2 },
  async () => {
    const { serialNumber, sysfs } = await bus.attach({ speed: "full", serialNumber: "bridged" });
    const kept = await bus.attach({ speed: "full", serialNumber: "kept" });
    const stop = new Subject<void>();
    const events: ServeEvent[] = [];
    const bridge = serve({
      transports: [libusb()],
      devices: [{ serialNumber }],
      tcp: { port: 0 },
      webSocket: { port: 0, token },
      stop,
    });
    const served = new Promise<void>((resolve, reject) => {
      bridge.subscribe({ next: (event) => events.push(event), error: reject, complete: resolve });
    });
    // Neither is it left to the next attempt.
    onTestFinished(async () => {
      stop.next();
      await served;
    });
    const listening = () => events.filter((event) => event.type === "listening");
    await until("the bridge listens", () => listening().length === 2);

    for (const { carrier, address } of listening()) {
      const connect =
        carrier === "tcp" ? connectTcp(address) : connectWebSocket({ url: address.url, token, WebSocket });
      const remote = usbip({ connect });
      const listed = await firstValueFrom(remote.devices().pipe(bufferTime(3000)));
      expect(listed.map(({ device }) => device.speed)).toStrictEqual(["full"]);
      // Server, client and libusb run in this one process for the first time: until they are compiled, emulation holds
      // up the thread of libusb, too.
      await readCounters(remote, { serialNumber }, { frames: 64, queue: 10, transfers: 15 });
      expectEveryCounter(await readCounters(remote, { serialNumber }, { frames: 64, queue: 10, transfers: 45 }));
      const other = remote.open({ serialNumber: kept.serialNumber });
      await expect(lastValueFrom(other)).rejects.toMatchObject({ code: "no-such-device" });
    }

    stop.next();
    await served;
    expect(events.filter(({ type }) => type === "refused" || type === "failed")).toStrictEqual([]);
    const inUse = () => {
      const { buffers: _, ...counters } = libusbCounters();
      return Object.values(counters).filter((count) => count !== 0);
    };
    // Who watches for devices lets go of libusb a moment after the bridge has closed.
    await expect.poll(inUse, { timeout: 10_000 }).toHaveLength(0);
    expect(sysfs.isConfigured).toBe(true);
  },
);
