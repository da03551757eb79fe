import { firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { IsochError, isochPipe, type DeviceEvent, type IsochResults } from "../../../src/index.js";
import { readCounter } from "../../../transports/virtual/index.js";
import { webusb, type WebUsbDevice } from "../../../transports/webusb/index.js";
import { done } from "../../support/raw-port.js";
import { altered } from "./altered-device.js";
import { codeOf, errorOf, lab, lost, never, open, port, rejecting, soon, statusesOf } from "./lab.js";

describe("a packet that fails", () => {
  /** A stream in which one call of the later ones is rejected, though its frames were on the bus. */
  async function stream(batch: number): Promise<readonly IsochResults[]> {
    let calls = 0;
    const rejectOne = (inner: WebUsbDevice): Partial<WebUsbDevice> => ({
      isochronousTransferIn: async (...call) => {
        const isBad = ++calls === 50;
        const result = await inner.isochronousTransferIn(...call);
        if (isBad) throw new DOMException("a packet failed", "NetworkError");
        return result;
      },
    });
    const { transport } = await lab(rejectOne, { framesPerCall: batch });
    const pipe = isochPipe(transport, { endpoint: 0x81, alternate: 1 });
    return lastValueFrom(pipe.results({ frames: 8, queue: 8 }).pipe(take(80), toArray()));
  }

  it("in a transfer of one call: its frames are lost, and told of; the stream goes on", async () => {
    const results = await stream(8);
    expect(results.every((each) => each.error === "ok" && each.served === 8)).toBe(true);
    const lost = results.reduce((sum, each) => sum + each.lost, 0);
    expect(lost).toBeGreaterThanOrEqual(7);
    const [first, last] = [results[0], results.at(-1)].map((each) => readCounter(each?.data ?? new Uint8Array(0)));
    // A late machine loses more; what is lost is estimated.
    expect(Math.abs((last ?? NaN) - (first ?? NaN) - 79 * 8 - lost)).toBeLessThanOrEqual(lost);
  });

  it("in a transfer of four calls: the frames of its call fail, and the others are good", async () => {
    const results = await stream(2);
    const [bad, ...others] = results.filter((each) => each.error !== "ok");
    expect(others).toStrictEqual([]);
    const statuses = statusesOf(bad ?? { statuses: new Uint8Array(0) });
    const first = statuses.indexOf("failed");
    expect(first % 2).toBe(0);
    expect(statuses).toStrictEqual(statuses.map((_, i) => (i === first || i === first + 1 ? "failed" : "ok")));
  });

  it("a transfer that is rejected says why; the endpoint takes the next", async () => {
    let calls = 0;
    const { transport } = await lab((inner) => ({
      isochronousTransferIn: (...call) =>
        calls++ === 0 ? rejecting("NetworkError")() : inner.isochronousTransferIn(...call),
    }));
    const raw = await port(transport);
    const [first, second] = [1, 2].map(() => raw.submit({ lengths: 64, frames: 4 }));
    const { rejected, cancelled, error } = (await first?.completion) ?? {};
    expect({ code: rejected?.code, native: rejected?.native, cancelled, error }).toStrictEqual({
      code: "transport-failed",
      native: "NetworkError",
      cancelled: false,
      error: undefined,
    });
    expect((await second?.completion)?.rejected).toBeUndefined();
    await raw.close();
  });
});

describe("where nothing moves", () => {
  it("calls that are refused at once, as on Windows, end in unsupported, and not in more calls", async () => {
    let calls = 0;
    const { transport } = await lab(() => ({
      isochronousTransferIn: () => {
        calls++;
        return rejecting("NetworkError")();
      },
    }));
    const error = await errorOf(lastValueFrom(isochPipe(transport, { endpoint: 0x81 }).results()));
    expect(error.code).toBe("unsupported");
    expect(error.message).toContain("Windows");
    expect(calls).toBeLessThan(100);
  });

  it("a device without the methods: unsupported", async () => {
    const { transport } = await lab(() => ({ isochronousTransferIn: undefined }) as unknown as Partial<WebUsbDevice>);
    expect(await codeOf(lastValueFrom(isochPipe(transport, { endpoint: 0x81 }).results()))).toBe("unsupported");
  });

  it("no answer at all, where there should be one: unsupported", async () => {
    const { transport } = await lab(() => ({ isochronousTransferIn: () => Promise.resolve(undefined as never) }));
    const raw = await port(transport);
    expect((await raw.submit({ lengths: 64, frames: 4 }).completion).error?.code).toBe("unsupported");
    await raw.close();
  });

  it("answers that are none: frames that fail, and no more bytes than there is room for", async () => {
    const bytes = new DataView(new ArrayBuffer(100).slice(0));
    const { transport } = await lab(() => ({
      isochronousTransferIn: () =>
        Promise.resolve({ packets: [{ status: "ok", data: bytes }, { status: "ok" }, { status: "odd" as "ok" }] }),
    }));
    const raw = await port(transport);
    const submission = await raw.submit({ lengths: 64, frames: 4 }).completion;
    expect(statusesOf(submission)).toStrictEqual(["ok", "ok", "failed", "failed"]);
    expect([...submission.actual]).toStrictEqual([64, 0, 0, 0]);
    await raw.close();
  });
});

describe("what a browser refuses", () => {
  it.each([
    ["open", "SecurityError", "access-denied", "udev"],
    ["open", "NetworkError", "access-denied", "udev"],
    ["claimInterface", "SecurityError", "access-denied", "video"],
    ["claimInterface", "NetworkError", "interface-busy", "another program"],
    ["claimInterface", "InvalidStateError", "pipe-closed", "beside this transport"],
    ["selectAlternateInterface", "NetworkError", "transport-failed", "smaller packets"],
    ["isochronousTransferIn", "SecurityError", "access-denied", "move frames"],
    ["isochronousTransferIn", "AbortError", "pipe-closed", "beside this transport"],
    ["isochronousTransferIn", "InvalidStateError", "pipe-closed", "beside this transport"],
  ] as const)("%s with %s: %s, and what to do", async (method, name, code, advice) => {
    const { transport, bus } = await lab(() => ({ [method]: rejecting(name) }));
    const pipe = isochPipe(transport, { endpoint: 0x81 });
    const error = await errorOf(lastValueFrom(pipe.results()));
    expect({ code: error.code, native: error.native }).toStrictEqual({ code, native: name });
    expect(error.message).toContain(advice);
    await done(pipe.closing);
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("a control request with SecurityError: access-denied", async () => {
    const { transport } = await lab((inner) => ({
      controlTransferIn: (setup, length) =>
        setup.requestType === "vendor" ? rejecting("SecurityError")() : inner.controlTransferIn(setup, length),
    }));
    const device = await open(transport);
    const vendor = { direction: "in", type: "vendor", recipient: "device", request: 1, value: 0, index: 0 } as const;
    expect(await codeOf(firstValueFrom(device.controlTransfer(vendor, 12)))).toBe("access-denied");
    await done(device.close());
  });

  it("no WebUSB at all", async () => {
    expect(await codeOf(firstValueFrom(webusb({}).devices()))).toBe("transport-failed");
    const { transport } = await lab();
    expect(await codeOf(firstValueFrom(transport.open({ vendorId: 1 })))).toBe("no-such-device");
  });
});

describe("races", () => {
  it("unplugged while it is being opened, though nothing ever comes of that: device-gone", async () => {
    const { transport, usb, device } = await lab(() => ({ open: never }));
    const opening = codeOf(open(transport));
    await soon();
    usb.tell("disconnect", device);
    expect(await opening).toBe("device-gone");
    expect(usb.listeners.disconnect.size).toBe(0);
  });

  it("unplugged while an interface is being claimed: device-gone, and it closes", async () => {
    const { transport, usb, device } = await lab(() => ({ claimInterface: never }));
    const opened = await open(transport);
    const claiming = codeOf(done(opened.claimInterface(0)));
    await soon();
    usb.tell("disconnect", device);
    expect(await claiming).toBe("device-gone");
    await done(opened.close());
  });

  it("unplugged with calls in flight that never settle: they complete, with device-gone", async () => {
    const { transport, usb, device } = await lab(() => ({ isochronousTransferIn: never }));
    const raw = await port(transport);
    const sent = [1, 2].map(() => raw.submit({ lengths: 64, frames: 4 }));
    usb.tell("disconnect", device);
    for (const { completion } of sent) {
      const submission = await completion;
      expect(submission.error?.code).toBe("device-gone");
      expect(statusesOf(submission)).toStrictEqual(new Array(4).fill("not-complete"));
    }
    await raw.close();
  });

  it("a call that settles after that touches nothing", async () => {
    const late: (() => void)[] = [];
    const { transport, usb, device } = await lab(() => ({
      isochronousTransferIn: () =>
        new Promise((resolve) => {
          const data = new DataView(new Uint8Array(64).fill(0xee).buffer);
          late.push(() => {
            resolve({ packets: [{ status: "ok", data }] });
          });
        }),
    }));
    const raw = await port(transport);
    const sent = raw.submit({ lengths: 64 });
    usb.tell("disconnect", device);
    const { buffer, actual } = await sent.completion;
    for (const settle of late) settle();
    await soon();
    expect([buffer.every((byte) => byte === 0), actual[0]]).toStrictEqual([true, 0]);
    await raw.close();
  });

  it("closed by other code while it streams: pipe-closed, and everything comes back", async () => {
    const { transport, inner, bus } = await lab();
    const pipe = isochPipe(transport, { endpoint: 0x81 });
    let results = 0;
    let closing: Promise<void> | undefined;
    const code = await new Promise<string>((resolve) => {
      pipe.results({ frames: 8 }).subscribe({
        next: () => {
          if (++results === 3) closing = inner.close();
        },
        error: (error: unknown) => {
          resolve(IsochError.is(error) ? error.code : String(error));
        },
      });
    });
    expect(code).toBe("pipe-closed");
    await done(pipe.closing);
    await closing;
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("reset where the system forgets what is claimed, as Linux does: done, and it streams again", async () => {
    let isForgotten = false;
    const { transport } = await lab((inner) => ({
      reset: async () => {
        await inner.reset();
        isForgotten = true;
      },
      releaseInterface: (number) => (isForgotten ? rejecting("NetworkError")() : inner.releaseInterface(number)),
      claimInterface: async (number) => {
        await inner.claimInterface(number);
        isForgotten = false;
      },
    }));
    const device = await open(transport);
    await done(device.claimInterface(0));
    await done(device.reset());
    await done(device.close());
    const results = isochPipe(transport, { endpoint: 0x81 }).results();
    expect((await firstValueFrom(results)).error).toBe("ok");
  });

  it("a control request that is never answered holds up neither a claim nor the close", async () => {
    const { transport, inner } = await lab((device) => ({
      controlTransferIn: (setup, length) =>
        setup.requestType === "vendor" ? never() : device.controlTransferIn(setup, length),
    }));
    const device = await open(transport);
    const vendor = { direction: "in", type: "vendor", recipient: "device", request: 1, value: 0, index: 0 } as const;
    const asking = device.controlTransfer(vendor, 12).subscribe();
    await done(device.claimInterface(0));
    await done(device.close());
    expect(inner.opened).toBe(false);
    asking.unsubscribe();
  });

  it.each(["AbortError", "NetworkError"])("reset with calls in flight, which end with %s: cancelled", async (name) => {
    const aborts: ((reason: unknown) => void)[] = [];
    const { transport } = await lab((inner) => ({
      isochronousTransferIn: () => new Promise((_, reject) => aborts.push(reject)),
      reset: async () => {
        await inner.reset();
        for (const abort of aborts) abort(new DOMException("as the test says", name));
      },
    }));
    const raw = await port(transport);
    const sent = Array.from({ length: 20 }, () => raw.submit({ lengths: 64, frames: 8 }));
    await done(raw.device.reset());
    for (const { completion } of sent) {
      const { cancelled, rejected, error, statuses } = await completion;
      expect({ cancelled, rejected, error }).toStrictEqual({ cancelled: true, rejected: undefined, error: undefined });
      expect(statusesOf({ statuses })).toStrictEqual(new Array(8).fill("not-complete"));
    }
    await raw.close();
  });

  it.each([
    ["the browser does not know yet", "device-gone", (): Partial<WebUsbDevice> => ({ controlTransferIn: lost })],
    ["it is the interface that is gone", "pipe-closed", (): Partial<WebUsbDevice> => ({})],
  ])("NotFoundError of a device that is open, where %s: %s", async (_what, code, then) => {
    const { transport, inner, usb } = await lab();
    const changes: Partial<WebUsbDevice> = {};
    usb.present[0] = altered(inner, changes);
    const raw = await port(transport);
    Object.assign(changes, { isochronousTransferIn: lost }, then());
    expect((await raw.submit({ lengths: 64 }).completion).error?.code).toBe(code);
    await raw.close().catch(() => undefined);
  });

  it("nobody tells of an unplug: noticed by the calls in flight, and by what is asked", async () => {
    const { inner, attachment } = await lab();
    const transport = webusb({ devices: [inner] });
    const raw = await port(transport);
    const sent = raw.submit({ lengths: 64, frames: 4000 });
    attachment.detach();
    expect((await sent.completion).error?.code).toBe("device-gone");
    expect((await firstValueFrom(raw.device.gone)).code).toBe("device-gone");
    await raw.close();
    expect(await codeOf(open(transport))).toBe("no-such-device");
  });
});

describe("devices", () => {
  it("tells configurations and speed once a device was opened; before, what WebUSB has", async () => {
    const { transport } = await lab();
    const before = (await firstValueFrom(transport.devices())).device;
    expect(before).toMatchObject({ product: "counter", serialNumber: "0001", configurations: [], speed: "high" });
    const device = await open(transport);
    await done(device.close());
    const { device: after } = await firstValueFrom(transport.devices());
    expect(after.configurations).toStrictEqual([device.configuration]);
    expect(after.id).toBe(before.id);
    expect(after.descriptor.manufacturerIndex).toBe(1);
  });

  it("the speed is what the program says, where it says one", async () => {
    const { transport } = await lab(undefined, { speed: "full" });
    const device = await open(transport);
    expect(device.info.speed).toBe("full");
    await done(device.close());
  });

  it("tells of what the user chose, which WebUSB tells nobody", async () => {
    const { usb, device } = await lab();
    usb.present.length = 0;
    const transport = webusb({ usb });
    const events: DeviceEvent[] = [];
    const subscription = transport.devices().subscribe((event) => events.push(event));
    await soon();
    expect(await codeOf(firstValueFrom(transport.request()))).toBe("no-such-device");
    usb.requestDevice = () => {
      usb.present.push(device);
      return Promise.resolve(device);
    };
    const { id } = await firstValueFrom(transport.request({ filters: [{ vendorId: 0x1209 }] }));
    expect(events.map(({ type, device: info }) => [type, info.id])).toStrictEqual([["attach", id]]);
    usb.requestDevice = rejecting("SecurityError");
    expect(await codeOf(firstValueFrom(transport.request()))).toBe("access-denied");
    subscription.unsubscribe();
    expect([usb.listeners.connect.size, usb.listeners.disconnect.size]).toStrictEqual([0, 0]);
  });

  it("what comes while the list is being read is told of once, after it", async () => {
    const { usb, device, transport } = await lab();
    const events: string[] = [];
    const subscription = transport.devices().subscribe(({ type }) => events.push(type));
    usb.tell("connect", device);
    usb.tell("disconnect", device);
    await soon();
    expect(events).toStrictEqual(["attach", "detach"]);
    subscription.unsubscribe();
  });

  it("two handles share a device, which is closed with the last of them", async () => {
    const { transport, inner } = await lab();
    const [one, other] = [await open(transport), await open(transport)];
    await done(one.close());
    expect(inner.opened).toBe(true);
    await done(other.close());
    expect(inner.opened).toBe(false);
  });

  it("what the program had opened stays open", async () => {
    const { transport, inner } = await lab();
    await inner.open();
    const device = await open(transport);
    await done(device.close());
    expect(inner.opened).toBe(true);
    await inner.close();
  });

  it("a device in no configuration: its first is selected", async () => {
    const selected: number[] = [];
    let configuration: WebUsbDevice["configuration"] = null;
    const { transport } = await lab((inner) => ({
      get configuration() {
        return configuration;
      },
      selectConfiguration: (value) => {
        selected.push(value);
        configuration = inner.configuration;
        return Promise.resolve();
      },
    }));
    const device = await open(transport);
    expect([selected, device.configuration.value]).toStrictEqual([[1], 1]);
    await done(device.close());
  });

  it("options that are none", () => {
    expect(() => webusb({ framesPerCall: 129 })).toThrow("framesPerCall");
    expect(() => webusb({ framesPerCall: 0 })).toThrow("framesPerCall");
    expect(() => webusb({ speed: "fast" as "full" })).toThrow("speed");
  });
});
