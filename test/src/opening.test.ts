import { concat, firstValueFrom, of, Subject, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceError, isochPipe, openDevice, type IsochTransport, type TransportDevice } from "../../src/index.js";
import { opening } from "../../src/opening.js";
import { counterDevice, VirtualBus } from "../../transports/virtual/index.js";
import { alteredTransport } from "../support/altered-transport.js";
import { plain } from "../support/plain-error.js";

const ids = { vendorId: 0x1209, productId: 0x0001 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A transport that opens when it is told to, and whose devices are closed when `closed` completes. */
function setUp() {
  const bus = new VirtualBus();
  bus.attach(counterDevice());
  const closed = new Subject<never>();
  const inner = alteredTransport(bus, (device) => ({ close: () => concat(device.close(), closed) }));
  const begun: { succeed: () => void; fail: (error: Error) => void }[] = [];
  const open = (): Promise<TransportDevice> =>
    new Promise((resolve, reject) => {
      begun.push({ succeed: () => void firstValueFrom(inner.open(ids)).then(resolve, reject), fail: reject });
    });
  const transport: IsochTransport = {
    name: bus.name,
    capabilities: bus.capabilities,
    devices: () => bus.devices(),
    open: () => opening(transport, open),
  };
  return { bus, transport, begun, closed };
}

describe("opening", () => {
  it("begins at each subscription, emits the device and completes", async () => {
    const { bus, transport, begun } = setUp();
    const log: string[] = [];
    const opened = transport.open(ids);
    expect(begun).toHaveLength(0);
    opened.subscribe({ next: ({ info }) => log.push(info.id), complete: () => log.push("complete") });
    begun[0]?.succeed();
    await turn();
    expect(log).toStrictEqual([expect.any(String), "complete"]);
    expect(bus.audit().openDevices).toBe(1);
    opened.subscribe();
    expect(begun).toHaveLength(2);
  });

  it("errors with what the promise was rejected with", async () => {
    const { transport, begun } = setUp();
    const errors: unknown[] = [];
    transport.open(ids).subscribe({ error: (error: unknown) => errors.push(plain(error).code) });
    begun[0]?.fail(new DeviceError("no-such-device", "there is none"));
    await turn();
    expect(errors).toStrictEqual(["no-such-device"]);
  });

  it.each([
    ["a device", (transport: IsochTransport): Observable<unknown> => openDevice(transport, ids)],
    [
      "a pipe",
      (transport: IsochTransport): Observable<unknown> => isochPipe(transport, { ...ids, endpoint: 0x81 }).open(),
    ],
  ])("unsubscribe-while-opening: the next opening of %s waits until the late device is closed", async (_, open) => {
    const { bus, transport, begun, closed } = setUp();
    open(transport).subscribe().unsubscribe();
    const log: string[] = [];
    open(transport).subscribe(() => log.push("open"));
    await turn();
    expect(begun, "while the first opens").toHaveLength(1);

    begun[0]?.succeed();
    await turn();
    expect(bus.audit().openDevices).toBe(0);
    expect(begun, "while it closes").toHaveLength(1);

    closed.complete();
    await turn();
    expect(begun).toHaveLength(2);
    begun[1]?.succeed();
    await turn();
    expect(log).toStrictEqual(["open"]);
  });

  it("unsubscribe-while-opening: the next opening goes on when the first has failed", async () => {
    const { transport, begun } = setUp();
    openDevice(transport, ids).subscribe().unsubscribe();
    openDevice(transport, ids).subscribe();
    begun[0]?.fail(new DeviceError("no-such-device", "there is none"));
    await turn();
    expect(begun).toHaveLength(2);
  });

  it("unsubscribe-while-opening: the closing of a pipe completes when the late device is closed", async () => {
    const { transport, begun, closed } = setUp();
    const pipe = isochPipe(transport, { ...ids, endpoint: 0x81 });
    pipe.open().subscribe().unsubscribe();
    const log: string[] = [];
    concat(pipe.closing, of("closed")).subscribe((each) => log.push(each));
    begun[0]?.succeed();
    await turn();
    expect(log).toStrictEqual([]);
    closed.complete();
    expect(log).toStrictEqual(["closed"]);
  });
});
