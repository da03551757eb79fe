import { firstValueFrom, lastValueFrom, take, toArray, VirtualTimeScheduler } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import {
  DescriptorError,
  IsochError,
  isochPipe,
  statusOf,
  type DeviceEvent,
  type IsochResults,
  type IsochTransport,
  type TransportCapabilities,
  type TransportDevice,
  type TransportEndpoint,
} from "../../../src/index.js";
import {
  counterDevice,
  realTimeClock,
  schedulerClock,
  unpacedClock,
  VirtualBus,
  type Attachment,
  type VirtualBusOptions,
} from "../../../transports/virtual/index.js";
import { ManualClock } from "../../support/manual-clock.js";
import { done, RawPort } from "../../support/raw-port.js";
import { scriptedDevice, scriptedIds } from "../../support/scripted-device.js";

const idle = {
  openDevices: 0,
  claimedInterfaces: 0,
  inFlight: 0,
  dmaBuffers: 0,
  submitted: 0,
  completed: 0,
};

describe("devices", () => {
  function watch(bus: IsochTransport): string[] {
    const seen: string[] = [];
    bus.devices().subscribe(({ type, device }) => seen.push(`${type} ${device.serialNumber ?? ""}`));
    return seen;
  }

  it("present ones first, then those that come and go; each subscriber for itself", () => {
    const bus = new VirtualBus({ devices: [counterDevice({ serialNumber: "a" })] });
    const b = bus.attach(counterDevice({ serialNumber: "b" }));
    const first = watch(bus);
    expect(first).toStrictEqual(["attach a", "attach b"]);
    b.detach();
    b.detach();
    const second = watch(bus);
    bus.attach(counterDevice({ serialNumber: "c" }));
    expect(first).toStrictEqual(["attach a", "attach b", "detach b", "attach c"]);
    expect(second).toStrictEqual(["attach a", "attach c"]);
  });

  it("does not miss what comes or goes while those present are told of", () => {
    const bus = new VirtualBus();
    const a = bus.attach(counterDevice({ serialNumber: "a" }));
    bus.attach(counterDevice({ serialNumber: "b" }));
    const seen: string[] = [];
    bus.devices().subscribe(({ type, device }) => {
      seen.push(`${type} ${device.serialNumber ?? ""}`);
      if (seen.length > 1) return;
      a.detach();
      bus.attach(counterDevice({ serialNumber: "c" }));
    });
    expect(seen).toStrictEqual(["attach a", "attach b", "detach a", "attach c"]);
  });

  it("tells nobody who has enough", () => {
    const bus = new VirtualBus({ devices: [counterDevice(), counterDevice()] });
    const seen: DeviceEvent[] = [];
    bus
      .devices()
      .pipe(take(1))
      .subscribe((event) => seen.push(event));
    bus.attach(counterDevice());
    expect(seen).toHaveLength(1);
  });

  it("a device that is unplugged on cue goes then", () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock });
    bus.attach(counterDevice({ serialNumber: "a" })).inject({ type: "unplug", frame: 80 });
    const seen = watch(bus);
    clock.advanceTo(9999);
    expect(seen).toStrictEqual(["attach a"]);
    clock.advanceTo(10_000);
    expect(seen).toStrictEqual(["attach a", "detach a"]);
  });

  it("the same device plugged in again is another", () => {
    const bus = new VirtualBus();
    const model = counterDevice();
    const first = bus.attach(model);
    first.detach();
    expect(bus.attach(model).info.id).not.toBe(first.info.id);
  });

  it("a device with a bad descriptor does not attach", () => {
    const bus = new VirtualBus();
    const seen = watch(bus);
    const bad = { ...scriptedDevice({ interfaces: [] }), configurationDescriptor: Uint8Array.of(9, 2, 200) };
    expect(() => bus.attach(bad)).toThrow(DescriptorError);
    expect(seen).toStrictEqual([]);
  });
});

describe("open", () => {
  const bus = new VirtualBus({
    devices: [
      counterDevice({ serialNumber: "1", speed: "full" }),
      counterDevice({ serialNumber: "2" }),
      scriptedDevice({ interfaces: [] }),
    ],
  });

  it.each([
    [{}, "virtual-1"],
    [{ serialNumber: "2" }, "virtual-2"],
    [{ vendorId: 0x1209 }, "virtual-1"],
    [{ productId: scriptedIds.productId }, "virtual-3"],
    [{ id: "virtual-2" }, "virtual-2"],
    [{ id: "virtual-2", serialNumber: "1" }, undefined],
    [{ vendorId: 0x1209, productId: 0x0001, serialNumber: "1", id: "virtual-1" }, "virtual-1"],
    [{ vendorId: 0 }, undefined],
    [{ serialNumber: "" }, undefined],
    [{ id: "virtual-9" }, undefined],
  ])("%o is %s", async (selector, id) => {
    const opened = firstValueFrom(bus.open(selector));
    if (id === undefined) {
      await expect(opened).rejects.toMatchObject({ name: "DeviceError", code: "no-such-device" });
      return;
    }
    const device = await opened;
    expect(device.info.id).toBe(id);
    await done(device.close());
    expect(bus.audit()).toStrictEqual(idle);
  });

  it("each subscription opens it once more", async () => {
    const opening = bus.open({});
    expect(bus.audit().openDevices).toBe(0);
    const [one, two] = [await firstValueFrom(opening), await firstValueFrom(opening)];
    expect(bus.audit().openDevices).toBe(2);
    await done(one.close());
    await done(one.close());
    expect(bus.audit().openDevices).toBe(1);
    await done(two.close());
  });

  it("a handle that is closed does nothing any more", async () => {
    const device = await firstValueFrom(bus.open({}));
    await done(device.claimInterface(0));
    await done(device.selectAlternate(0, 1));
    await done(device.close());
    expect(bus.audit()).toStrictEqual(idle);
    for (const step of [
      device.claimInterface(0),
      device.releaseInterface(0),
      device.selectAlternate(0, 1),
      device.clearHalt(0x81),
      device.reset(),
    ]) {
      await expect(done(step)).rejects.toMatchObject({ code: "pipe-closed" });
    }
    expect(() => device.openEndpoint(0x81)).toThrow(expect.objectContaining({ code: "pipe-closed" }));
  });

  it("a handle cannot release what another has claimed", async () => {
    const [owner, other] = [await firstValueFrom(bus.open({})), await firstValueFrom(bus.open({}))];
    await done(owner.claimInterface(0));
    await done(other.releaseInterface(0));
    await done(other.close());
    expect(bus.audit()).toMatchObject({ openDevices: 1, claimedInterfaces: 1 });
    await done(owner.close());
    expect(bus.audit()).toStrictEqual(idle);
  });
});

describe("audit", () => {
  it("counts what is in use, and comes back to zero", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, devices: [counterDevice()] });
    expect(bus.audit()).toStrictEqual(idle);
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const buffer = port.endpoint.allocateDma?.(100);
    port.submit({ lengths: 8, frames: 4 });
    port.submit({ lengths: 8, frames: 4 });
    expect(bus.audit()).toStrictEqual({
      openDevices: 1,
      claimedInterfaces: 1,
      inFlight: 2,
      dmaBuffers: 1,
      submitted: 2,
      completed: 0,
    });
    clock.advanceTo(750);
    expect(bus.audit()).toMatchObject({ inFlight: 1, completed: 1 });
    clock.advanceTo(5000);
    buffer?.free();
    buffer?.free();
    await port.close();
    expect(bus.audit()).toStrictEqual({ ...idle, submitted: 2, completed: 2 });
  });

  it("a device that leaves takes its claims with it; its handle is open until it is closed", async () => {
    const bus = new VirtualBus();
    const attachment = bus.attach(counterDevice());
    const device = await firstValueFrom(bus.open({}));
    await done(device.claimInterface(0));
    attachment.detach();
    expect(bus.audit()).toMatchObject({ openDevices: 1, claimedInterfaces: 0 });
    await expect(done(device.releaseInterface(0))).rejects.toMatchObject({ code: "device-gone" });
    await done(device.close());
    expect(bus.audit()).toStrictEqual(idle);
  });

  describe("gone", () => {
    function observed({ gone }: TransportDevice) {
      const events: string[] = [];
      gone.subscribe({ next: ({ code }) => events.push(code), complete: () => events.push("complete") });
      return events;
    }

    it("emits when the device leaves, after the completions and the detach event, and replays", async () => {
      const bus = new VirtualBus({ clock: new ManualClock() });
      const attachment = bus.attach(counterDevice());
      const port = await RawPort.open(bus, {}, 0x81, 1);
      const events = observed(port.device);
      port.onCompleted = () => events.push("completed");
      bus.devices().subscribe(({ type }) => events.push(type));
      port.submit({ lengths: 8 });
      attachment.detach();
      attachment.detach();
      expect(events).toStrictEqual(["attach", "completed", "detach", "device-gone", "complete"]);
      await port.close();
      expect(observed(port.device)).toStrictEqual(["device-gone", "complete"]);
    });

    it("completes with the close, for each handle by itself, and then tells of nothing", async () => {
      const bus = new VirtualBus();
      const attachment = bus.attach(counterDevice());
      const [one, other] = [await firstValueFrom(bus.open({})), await firstValueFrom(bus.open({}))];
      const events = [observed(one), observed(other)];
      await done(one.close());
      expect(events).toStrictEqual([["complete"], []]);
      attachment.detach();
      expect(events).toStrictEqual([["complete"], ["device-gone", "complete"]]);
      expect(observed(one)).toStrictEqual(["complete"]);
      await done(other.close());
    });
  });

  it("a submission on its way is not taken a second time", async () => {
    const bus = new VirtualBus({ clock: new ManualClock(), devices: [counterDevice()] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const { submission } = port.submit({ lengths: 8 });
    expect(() => {
      port.endpoint.submit(submission);
    }).toThrow("submitted twice");
    expect(bus.audit().inFlight).toBe(1);
  });
});

describe("capabilities", () => {
  it("all of them, where the clock can be waited for", () => {
    const all: TransportCapabilities = {
      startFrame: true,
      frameNumber: true,
      lengthsPerFrame: true,
      cancel: "transfer",
      blocking: true,
      dma: true,
    };
    expect(new VirtualBus().capabilities).toStrictEqual(all);
    expect(new VirtualBus({ clock: unpacedClock() }).capabilities).toStrictEqual(all);
    const withScheduler = new VirtualBus({ clock: schedulerClock(new VirtualTimeScheduler()) });
    expect(withScheduler.capabilities).toStrictEqual({ ...all, blocking: false });
  });

  it("can be taken away, not added", async () => {
    const capabilities = {
      startFrame: false,
      frameNumber: false,
      lengthsPerFrame: false,
      cancel: "none",
      dma: false,
    } as const;
    const bus = new VirtualBus({ capabilities, devices: [counterDevice()] });
    expect(bus.capabilities).toStrictEqual({ ...capabilities, blocking: true });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const has = (name: keyof TransportEndpoint) => port.endpoint[name] !== undefined;
    expect({ frameNumber: has("frameNumber"), allocateDma: has("allocateDma") }).toStrictEqual({
      frameNumber: false,
      allocateDma: false,
    });
    expect({ wait: has("wait"), stream: has("stream") }).toStrictEqual({ wait: true, stream: false });
    await port.close();
    const added = new VirtualBus({
      clock: schedulerClock(new VirtualTimeScheduler()),
      capabilities: { blocking: true },
    });
    expect(added.capabilities.blocking).toBe(false);
  });

  it("without the bus clock, completions do not tell their frame", async () => {
    const bus = new VirtualBus({
      clock: unpacedClock(),
      capabilities: { frameNumber: false },
      devices: [counterDevice()],
    });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    expect((await port.submit({ lengths: 8 }).completion).firstFrame).toBeUndefined();
    await port.close();
  });
});

describe("asapDelay", () => {
  it.each([0, 1, 2, 100])("%i frames from now, where nothing is queued; else none", async (asapDelay) => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay, devices: [counterDevice({ speed: "full" })] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    clock.passTo(6500);
    const sent = [0, 1].map(() => port.submit({ lengths: 1023, frames: 3 }).submission);
    clock.advanceTo(200_000);
    expect(sent.map(({ firstFrame }) => firstFrame)).toStrictEqual([7 + asapDelay, 10 + asapDelay]);
    await port.close();
  });
});

describe("numbers that cannot be", () => {
  it.each([NaN, -1, 0.5, Infinity, 2 ** 40, "2"])("asapDelay %s is refused", (asapDelay) => {
    expect(() => new VirtualBus({ asapDelay } as VirtualBusOptions)).toThrow(
      expect.objectContaining({ name: "InvalidRequestError", code: "invalid-number" }),
    );
  });

  it("a cancellation that is none is refused", () => {
    expect(() => new VirtualBus({ capabilities: { cancel: "some" } } as unknown as VirtualBusOptions)).toThrow(
      expect.objectContaining({ code: "invalid-option" }),
    );
  });

  it.each([NaN, -1, 0, 0.5, Infinity, 2 ** 40])(
    "a DMA buffer of %s bytes is refused, and not counted",
    async (size) => {
      const bus = new VirtualBus({ devices: [counterDevice()] });
      const port = await RawPort.open(bus, {}, 0x81, 1);
      expect(() => port.endpoint.allocateDma?.(size)).toThrow(expect.objectContaining({ code: "invalid-number" }));
      expect(bus.audit().dmaBuffers).toBe(0);
      await port.close();
    },
  );

  it.each([NaN, -1, 9, 0.5])("interface %s, alternate setting %s, endpoint %s: none such", async (number) => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const device = await firstValueFrom(bus.open({}));
    for (const step of [
      device.claimInterface(number),
      device.selectAlternate(number, 0),
      device.selectAlternate(0, number),
    ]) {
      await expect(done(step)).rejects.toMatchObject({ name: "EndpointError", code: "no-such-endpoint" });
    }
    expect(() => device.openEndpoint(number)).toThrow(expect.objectContaining({ code: "not-in-alternate" }));
    await expect(done(device.clearHalt(number))).rejects.toMatchObject({ code: "not-in-alternate" });
    await done(device.close());
  });
});

describe("alternate settings", () => {
  it("what is in flight on the old one completes first, as cancelled; the endpoint is then closed", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [counterDevice({ speed: "full" })] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    let refusal: unknown;
    const { submission } = port.submit({ lengths: 1023, frames: 8 });
    port.onCompleted = () => {
      try {
        port.submit({ lengths: 8 });
      } catch (error) {
        refusal = error;
      }
    };
    clock.passTo(3000);
    await done(port.device.selectAlternate(0, 3));
    expect(Array.from(submission.statuses, statusOf)).toStrictEqual([
      ...["ok", "ok", "ok"],
      ...new Array<string>(5).fill("not-complete"),
    ]);
    expect(submission.cancelled).toBe(true);
    expect(refusal).toMatchObject({ code: "pipe-closed" });
    expect(bus.audit().inFlight).toBe(0);
    await port.close();
  });

  it("an interface that is not touched goes on", async () => {
    const clock = new ManualClock();
    const device = scriptedDevice({ interfaces: [[{ address: 0x81 }], [{ address: 0x82 }]] });
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [device] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    await done(port.device.claimInterface(1));
    await done(port.device.selectAlternate(1, 1));
    const other = port.beside(0x82);
    const { submission } = other.submit({ lengths: 64, frames: 4 });
    await done(port.device.selectAlternate(0, 0));
    clock.advanceTo(4000);
    expect(submission.cancelled).toBe(false);
    expect(submission.actual).toStrictEqual(Uint32Array.of(64, 64, 64, 64));
    await port.close();
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("reset: all interfaces go to setting 0", async () => {
    const clock = new ManualClock();
    const device = scriptedDevice({ interfaces: [[{ address: 0x81 }], [{ address: 0x82 }]] });
    const bus = new VirtualBus({ clock, devices: [device] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    await done(port.device.selectAlternate(1, 1));
    const sent = [port, port.beside(0x82)].map((each) => each.submit({ lengths: 64, frames: 4 }).submission);
    await done(port.device.reset());
    expect(sent.map(({ cancelled }) => cancelled)).toStrictEqual([true, true]);
    expect(() => port.device.openEndpoint(0x82)).toThrow(expect.objectContaining({ code: "not-in-alternate" }));
    await port.close();
  });
});

describe("cancellation", () => {
  it("in the middle of the queue: completes in its turn, and its frames stay empty", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [counterDevice({ speed: "full" })] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const [first, second, third] = [0, 1, 2].map(() => port.submit({ lengths: 1023, frames: 4 }));
    clock.advanceTo(1500);
    if (second !== undefined) port.cancel(second);
    clock.advanceTo(3999);
    expect([first, second, third].map((each) => each?.isComplete)).toStrictEqual([false, false, false]);
    clock.advanceTo(4000);
    expect([first, second, third].map((each) => each?.isComplete)).toStrictEqual([true, true, false]);
    clock.advanceTo(12_000);
    expect(third?.submission.firstFrame).toBe(8);
    await port.drained();
    await port.close();
  });

  it("of the last in the queue: what comes next follows the one before it", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [counterDevice({ speed: "full" })] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    port.submit({ lengths: 1023, frames: 4 });
    const last = port.submit({ lengths: 1023, frames: 4 });
    clock.advanceTo(1000);
    port.cancel(last);
    clock.advanceTo(1000);
    const next = port.submit({ lengths: 1023, frames: 4 });
    clock.advanceTo(8000);
    expect(next.submission.firstFrame).toBe(4);
    await port.close();
  });

  it("in a completion, of the one that completes at the same moment, comes too late", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [counterDevice()] });
    const reader = await RawPort.open(bus, {}, 0x81, 3);
    const writer = reader.beside(0x01);
    writer.submit({ lengths: 8, frames: 4 });
    const sent = reader.submit({ lengths: 1024, frames: 4 });
    writer.onCompleted = () => {
      reader.cancel(sent);
    };
    clock.advanceTo(500);
    expect(sent.submission.cancelled).toBe(false);
    expect(sent.submission.statuses).toStrictEqual(new Uint8Array(4));
    await reader.close();
  });
});

describe("calls from within a completion", () => {
  async function rig() {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    const attachment = bus.attach(counterDevice({ speed: "full" }));
    const port = await RawPort.open(bus, {}, 0x81, 3);
    return { clock, bus, attachment, port };
  }

  it("detach: the others complete, in order, as gone", async () => {
    const { clock, bus, attachment, port } = await rig();
    const other = port.beside(0x01);
    const sent = [0, 1, 2].map(() => port.submit({ lengths: 400, frames: 4 }).submission);
    const beside = other.submit({ lengths: 8, frames: 12 }).submission;
    port.onCompleted = ({ submission }) => {
      if (submission === sent[0]) attachment.detach();
    };
    clock.advanceTo(20_000);
    expect(sent.map(({ error }) => error?.code)).toStrictEqual([undefined, "device-gone", "device-gone"]);
    expect(beside.error?.code).toBe("device-gone");
    expect(Array.from(beside.statuses, statusOf).filter((status) => status === "ok").length).toBeGreaterThanOrEqual(3);
    await other.drained();
    await port.close();
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("wait: blocks for a later one, and the bus goes on afterwards", async () => {
    const { clock, port } = await rig();
    const [first, , third, fourth] = [0, 1, 2, 3].map(() => port.submit({ lengths: 400, frames: 4 }));
    port.onCompleted = (sent) => {
      if (sent === first && third !== undefined) port.endpoint.wait?.(third.submission);
    };
    clock.advanceTo(4000);
    expect(third?.isComplete).toBe(true);
    expect(third?.submission.timestamp).toBe(12_000);
    expect(fourth?.isComplete).toBe(false);
    clock.advanceTo(16_000);
    expect(fourth?.isComplete).toBe(true);
    await port.close();
  });

  it("wait for one that is cancelled, has completed, or is held back", async () => {
    const { attachment, port } = await rig();
    const [first, second] = [0, 1].map(() => port.submit({ lengths: 400, frames: 4 }));
    if (first === undefined || second === undefined) throw new Error("not submitted");
    port.cancel(first);
    port.endpoint.wait?.(first.submission);
    expect(first.submission.cancelled).toBe(true);
    port.endpoint.wait?.(first.submission);
    attachment.inject({ type: "host-stall", frame: 1, frames: 50 });
    port.endpoint.wait?.(second.submission);
    expect(second.submission.timestamp).toBe(51_000);
    await port.close();
  });
});

describe("the model of a device", () => {
  const thrown = new Error("thrown on purpose");
  const fail = () => {
    throw thrown;
  };

  /** What a program sees of an IN endpoint that behaves so in frame 5. */
  function streamOf(produce: (frame: number, attachment: Attachment) => number) {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    const good = isochPipe(bus, { ...scriptedIds, endpoint: 0x81 });
    const attachment: Attachment = bus.attach(
      scriptedDevice({
        interfaces: [
          [
            {
              address: 0x81,
              produce: (frame, _buffer, _offset, capacity) => (frame === 5 ? produce(frame, attachment) : capacity),
            },
          ],
        ],
      }),
    );
    bus.attach(counterDevice({ speed: "full" }));
    const others: IsochResults[] = [];
    const results: IsochResults[] = [];
    const errors: unknown[] = [];
    const other = isochPipe(bus, { vendorId: 0x1209, productId: 1, endpoint: 0x81, alternate: 3 })
      .results({ frames: 2 })
      .subscribe((each) => others.push(each));
    good.results({ frames: 4, queue: 2 }).subscribe({
      next: (each) => results.push(each),
      error: (error: unknown) => errors.push(error),
    });
    clock.advanceTo(20_000);
    other.unsubscribe();
    clock.advanceTo(20_000);
    // Whatever it did, the other device was not disturbed, and nothing is left.
    expect(others.flatMap((each) => [...each].map(({ frame }) => frame))).toStrictEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
    return { results, error: errors[0] };
  }

  it.each([
    ["throws", fail],
    ["answers NaN", () => NaN],
    ["answers -1", () => -1],
    ["answers 0.5", () => 0.5],
    ["answers Infinity", () => Infinity],
    ["answers a string", () => "64" as unknown as number],
    ["answers nothing", () => undefined as unknown as number],
  ])("that %s: the stream errors after the frames before, the rest of the bus goes on", (_name, produce) => {
    const { results, error } = streamOf(produce);
    expect(results.map(({ served }) => served)).toStrictEqual([4, 1]);
    expect(error).toMatchObject({ name: "TransportError", code: "transport-failed" });
    expect(results.at(-1)?.error).toBe("failed");
    if (produce === fail) expect((error as Error).cause).toBe(thrown);
  });

  it("that makes more than was asked: data-overrun, and on it goes", async () => {
    const bus = new VirtualBus({
      clock: unpacedClock(),
      asapDelay: 0,
      devices: [scriptedDevice({ interfaces: [[{ address: 0x81, produce: (frame) => (frame === 2 ? 1e9 : 3) }]] })],
    });
    const [first] = await lastValueFrom(
      isochPipe(bus, { endpoint: 0x81 }).results({ frames: 4 }).pipe(take(1), toArray()),
    );
    expect([...(first ?? [])].map(({ status, actual }) => [status, actual])).toStrictEqual([
      ["ok", 3],
      ["ok", 3],
      ["data-overrun", 64],
      ["ok", 3],
    ]);
  });

  it("that unplugs itself from within a packet: that packet and all later ones do not arrive", () => {
    const { results, error } = streamOf((_frame, attachment) => {
      attachment.detach();
      return 64;
    });
    expect(results.map(({ served }) => served)).toStrictEqual([4, 1]);
    expect(error).toMatchObject({ code: "device-gone" });
  });

  it("that unplugs itself from within a packet: no transfer completes before it has returned", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    let isProducing = false;
    const attachment: Attachment = bus.attach(
      scriptedDevice({
        interfaces: [
          [
            {
              address: 0x81,
              produce: (frame, buffer, offset, capacity) => {
                isProducing = true;
                if (frame === 1) attachment.detach();
                buffer.fill(frame, offset, offset + capacity);
                isProducing = false;
                return capacity;
              },
            },
          ],
        ],
      }),
    );
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const seen: boolean[] = [];
    port.onCompleted = () => seen.push(isProducing);
    for (let i = 0; i < 2; i++) port.submit({ lengths: 64, frames: 4 });
    clock.advanceTo(8000);
    expect(seen).toStrictEqual([false, false]);
    // That the buffers are left alone afterwards, the port sees to.
    await port.close();
  });

  it("that throws one of our errors: it goes on as it is", () => {
    const own = new IsochError("no-memory", "the model has none left");
    const { error } = streamOf(() => {
      throw own;
    });
    expect(error).toBe(own);
  });

  it("that throws at a packet to it", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({
      clock,
      asapDelay: 0,
      devices: [scriptedDevice({ interfaces: [[{ address: 0x01, consume: fail }]] })],
    });
    const port = await RawPort.open(bus, {}, 0x01, 1);
    const sent = [0, 1].map(() => port.submit({ lengths: 8, frames: 2 }).submission);
    clock.advanceTo(9000);
    for (const { error, actual } of sent) {
      expect(error).toMatchObject({ code: "transport-failed", cause: thrown });
      expect(actual).toStrictEqual(Uint32Array.of(0, 0));
    }
    expect(() => port.submit({ lengths: 8 })).toThrow(expect.objectContaining({ code: "transport-failed" }));
    await done(port.device.selectAlternate(0, 1));
    port.device.openEndpoint(0x01);
    await port.close();
  });

  it.each([
    ["throws", fail],
    ["answers what is no array", () => "yes" as unknown as Uint8Array],
  ])("that %s to a request: transport-failed", async (_name, control) => {
    const bus = new VirtualBus({ devices: [scriptedDevice({ interfaces: [], control })] });
    const device = await firstValueFrom(bus.open({}));
    const setup = { direction: "in", type: "vendor", recipient: "device", request: 1, value: 0, index: 0 } as const;
    await expect(done(device.controlTransfer(setup, 8))).rejects.toMatchObject({ code: "transport-failed" });
  });

  it("that has no answer to requests stalls them", async () => {
    const bus = new VirtualBus({ devices: [scriptedDevice({ interfaces: [] })] });
    const device = await firstValueFrom(bus.open({}));
    const setup = { direction: "out", type: "class", recipient: "interface", request: 1, value: 0, index: 0 } as const;
    await expect(done(device.controlTransfer(setup, new Uint8Array(3)))).rejects.toMatchObject({
      code: "control-stalled",
    });
  });

  it.each([
    ["has no such endpoint", { endpoint: () => undefined }],
    ["has one of the other direction", { endpoint: () => ({ direction: "out" as const, consume: () => undefined }) }],
    ["throws when asked for it", { endpoint: fail }],
    [
      "throws at the selection",
      {
        alternateSelected: (_number: number, alternate: number) => {
          if (alternate === 1) fail();
        },
      },
    ],
  ])("that %s: the pipe does not open, and nothing stays taken", async (_name, script) => {
    const size = 1024 | (2 << 11);
    const bad = scriptedDevice({ speed: "high", interfaces: [[{ address: 0x81, maxPacketSize: size }]], ...script });
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [bad, counterDevice()] });
    await expect(firstValueFrom(isochPipe(bus, { ...scriptedIds, endpoint: 0x81 }).results())).rejects.toMatchObject({
      name: "TransportError",
      code: "transport-failed",
    });
    expect(bus.audit()).toStrictEqual(idle);
    // Its bandwidth is free again.
    const other = isochPipe(bus, { vendorId: 0x1209, productId: 1, endpoint: 0x81 });
    expect((await firstValueFrom(other.results({ frames: 2 }))).served).toBe(2);
  });

  it("learns of each selection, and when", async () => {
    const clock = new ManualClock();
    const alternateSelected = vi.fn();
    const bus = new VirtualBus({
      clock,
      devices: [scriptedDevice({ interfaces: [[{ address: 0x81 }]], alternateSelected })],
    });
    clock.advanceTo(7000);
    const port = await RawPort.open(bus, {}, 0x81, 1);
    clock.advanceTo(9000);
    await port.close();
    expect(alternateSelected.mock.calls).toStrictEqual([
      [0, 1, 7000],
      [0, 0, 9000],
    ]);
  });
});

describe("time", () => {
  it("is that of the clock, and never goes back", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, devices: [counterDevice({ speed: "full" })] });
    expect(bus.time).toBe(0);
    clock.passTo(5500);
    expect(bus.time).toBe(5500);
    const port = await RawPort.open(bus, {}, 0x81, 1);
    expect(port.endpoint.frameNumber?.()).toBe(5);
    expect(port.endpoint.now()).toBe(5500);
    await port.close();
    const real = new VirtualBus({ clock: realTimeClock() });
    const times = Array.from({ length: 100 }, () => real.time);
    expect(times).toStrictEqual(times.toSorted((a, b) => a - b));
  });
});
