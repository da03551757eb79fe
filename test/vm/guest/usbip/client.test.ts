import { firstValueFrom, lastValueFrom, tap } from "rxjs";
import { isochPipe } from "rx-isoch";
import { libusb } from "rx-isoch/transports/libusb";
import { usbip } from "rx-isoch/transports/usbip";
import { connectTcp } from "rx-isoch/transports/usbip/tcp";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { CounterBus } from "../support/counter-devices.js";
import { counterStreaming, expectEveryCounter, readCounters } from "../support/counters.js";
import { run } from "../support/kernel.js";
import { until, withSerial } from "../support/sysfs.js";

let bus: CounterBus;

beforeEach(async () => {
  bus = await CounterBus.open();
});

afterEach(() => bus.close());

// The guest as a whole may stand still for longer than what is in flight lasts, where the machine has other work.
test(
  "the kernel's client and ours have devices of one server at the same time, and each loses nothing",
  { retry: 2 },
  async () => {
    const { serialNumber } = await bus.attach({ speed: "high", serialNumber: "the kernel's" });
    const { host, port, busId } = await bus.plug({ speed: "full", serialNumber: "ours" });
    const remote = usbip({ connect: connectTcp({ host, port }) });

    const [kernels, ours] = await Promise.all([
      readCounters(libusb(), { serialNumber }, { frames: 64, queue: 80, transfers: 250 }),
      readCounters(remote, { id: busId }, { frames: 64, queue: 10, transfers: 30 }),
    ]);

    expectEveryCounter(kernels);
    expectEveryCounter(ours);
    expect(await bus.audit()).toMatchObject({ failures: [] });
  },
);

test("the kernel's client is refused what ours has, until it is given back", async () => {
  const { host, port, busId } = await bus.plug({ speed: "full", serialNumber: "wanted" });
  const attach = () => run("usbip", "--tcp-port", String(port), "attach", "--remote", host, "--busid", busId);
  const pipe = isochPipe(usbip({ connect: connectTcp({ host, port }) }), { id: busId, ...counterStreaming });
  await firstValueFrom(
    pipe.open().pipe(
      tap(() => {
        expect(attach).toThrow();
      }),
    ),
  );
  await lastValueFrom(pipe.closing, { defaultValue: undefined });
  // By itself, once the bus is closed; others count on its port.
  onTestFinished(() => until("the kernel let it go", () => withSerial("wanted").length === 0));
  attach();
  await until("the kernel has the device", () => withSerial("wanted").length === 1);
});
