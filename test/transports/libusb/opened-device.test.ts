import { lastValueFrom, type Observable } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import type { StreamPlan, StreamSink, TransportDevice } from "../../../src/index.js";
import { PendingSubmission } from "../../../src/submission.js";
import type { NativeDevice } from "../../../transports/libusb/addon.js";
import { toDeviceInfo } from "../../../transports/libusb/device-info.js";
import { OpenedDevice, type OpenOptions } from "../../../transports/libusb/opened-device.js";
import { failure, plain, thrown } from "../../support/plain-error.js";
import { camera, nativeError, stubbedContext, stubbedDevice, stubbedQueue, stubbedStream } from "./stubs.js";

const id = "1-2:5";
const gone = failure("DeviceError", "device-gone", `${id} was unplugged`, "wait for it to attach again");
const inoutError = nativeError(-1, 5);
const plan: StreamPlan = {
  frameLength: 64,
  frames: 8,
  queue: 2,
  ring: 4,
  batch: 1,
  overflow: "drop-oldest",
  start: "asap",
};
const sink: StreamSink = { ready: () => undefined, drained: () => undefined };

function open(native: NativeDevice, location = camera, options: Partial<OpenOptions> = {}): Promise<OpenedDevice> {
  const info = toDeviceInfo(location);
  if (info === undefined) throw new Error("a device without a descriptor");
  const context = stubbedContext({ open: () => Promise.resolve(native) });
  const closed = () => Promise.resolve();
  return OpenedDevice.open(context, location, info, { detachKernelDriver: true, closed, ...options });
}

const done = (step: Observable<unknown>): Promise<unknown> => lastValueFrom(step, { defaultValue: undefined });
const failureOf = (step: Promise<unknown>): Promise<unknown> => step.then(() => "it went well", plain);

function submission(): PendingSubmission {
  const completed = () => undefined;
  return new PendingSubmission({ lengths: Uint32Array.of(64), buffer: new Uint8Array(64), start: "asap", completed });
}

async function withEndpoint(
  changes: Partial<NativeDevice> = {},
  options: Partial<OpenOptions> = {},
): Promise<OpenedDevice> {
  const device = await open(stubbedDevice(changes), camera, options);
  await done(device.selectAlternate(2, 1));
  return device;
}

describe("a device that is not configured", () => {
  it.each([
    ["linux", "plug it in", "echo 1 > /sys/bus/usb/devices/1-2/bConfigurationValue"],
    ["darwin", "plug it in where there is enough power for it"],
  ] as const)("says so, and what to do on %s", async (platform, ...parts) => {
    const spy = vi.spyOn(process, "platform", "get").mockReturnValue(platform);
    try {
      const close = vi.fn(() => Promise.resolve());
      const opening = open(stubbedDevice({ configuration: () => Promise.resolve(0), close }));
      expect(await failureOf(opening)).toEqual(
        failure("DeviceError", "not-configured", `${id} is not configured`, ...parts),
      );
      expect(close).toHaveBeenCalledOnce();
    } finally {
      spy.mockRestore();
    }
  });

  it("is another thing than one whose configuration cannot be read", async () => {
    const unread = open(stubbedDevice({ configuration: () => Promise.resolve(2) }));
    expect(await failureOf(unread)).toEqual(failure("DescriptorError", "bad-descriptor", "configuration 2"));
  });
});

describe("a device that is unplugged while it is opened", () => {
  it("is gone, whatever libusb met", async () => {
    const configuration = () => Promise.reject(nativeError(-5));
    expect(await failureOf(open(stubbedDevice({ gone: true, configuration })))).toEqual(gone);
  });

  it("is gone, and not unconfigured", async () => {
    const configuration = () => Promise.resolve(0);
    expect(await failureOf(open(stubbedDevice({ gone: true, configuration })))).toEqual(gone);
  });

  it.each<[string, keyof NativeDevice, (device: TransportDevice) => Observable<unknown>]>([
    ["claimed", "claim", (device) => device.claimInterface(2)],
    ["given another alternate setting", "selectAlternate", (device) => device.selectAlternate(2, 1)],
    ["asked", "controlIn", (device) => device.controlTransfer(getStatus, 2)],
    ["closed", "close", (device) => device.close()],
  ])("is gone when it is %s", async (_, method, use) => {
    const fails = await open(stubbedDevice({ [method]: () => Promise.reject(inoutError) }));
    expect(await failureOf(done(use(fails)))).toEqual(failure("TransportError", "transport-failed", id, "errno 5"));
    const isGone = await open(stubbedDevice({ gone: true, [method]: () => Promise.reject(inoutError) }));
    expect(await failureOf(done(use(isGone)))).toEqual(gone);
  });

  it("is gone when its endpoint is used", async () => {
    const refuse = () => {
      throw inoutError;
    };
    const device = await withEndpoint({ gone: true, openStream: refuse, openQueue: refuse, allocateDma: refuse });
    const endpoint = device.openEndpoint(0x84);
    expect(thrown(() => endpoint.stream?.(plan, sink))).toEqual(gone);
    expect(thrown(() => endpoint.allocateDma?.(64))).toEqual(gone);
    expect(thrown(() => endpoint.submit(submission()))).toEqual(gone);
  });
});

const getStatus = { direction: "in", type: "standard", recipient: "device", request: 0, value: 0, index: 0 } as const;

describe("a device that does not close", () => {
  it("says so, and is closed as far as anybody here can", async () => {
    const device = await open(stubbedDevice({ close: () => Promise.reject(nativeError(-7)) }));
    const isGone = failureOf(done(device.gone));
    expect(await failureOf(done(device.close()))).toEqual(
      failure("TransportError", "transport-failed", `could not close ${id}`, "did not answer in time"),
    );
    expect(await isGone).toBe("it went well");
  });
});

describe("an endpoint that is opened again", () => {
  async function afterReopening(first: Parameters<typeof stubbedStream>[0]) {
    const shut = vi.fn();
    const streams = [stubbedStream({ ...first, shut }), stubbedStream()];
    const device = await withEndpoint({ openStream: () => streams.shift() ?? stubbedStream() });
    device.openEndpoint(0x84).stream?.(plan, sink);
    device.openEndpoint(0x84).stream?.(plan, sink);
    await done(device.selectAlternate(2, 0));
    return shut;
  }

  it("forgets the one before it, whose stream is over", async () => {
    expect(await afterReopening({ drained: true })).not.toHaveBeenCalled();
    expect(await afterReopening({ ended: { libusb: -4, errno: 0, overflown: false } })).not.toHaveBeenCalled();
  });

  it("still ends what is in flight on the one before it", async () => {
    expect(await afterReopening({})).toHaveBeenCalledOnce();
    const shut = vi.fn();
    const device = await withEndpoint({ openQueue: () => stubbedQueue({ shut }) });
    device.openEndpoint(0x84).submit(submission());
    device.openEndpoint(0x84);
    await done(device.reset());
    expect(shut).toHaveBeenCalledOnce();
  });
});

describe("packets that the system does not take", () => {
  const packetRules = "send none of these";
  const refuse = () => {
    throw nativeError(-2);
  };
  const asRuled = failure("UnsupportedError", "unsupported", "endpoint 0x84", packetRules);

  it("are refused with what it takes, before anything is submitted", async () => {
    const queue = stubbedQueue({ submit: refuse });
    const device = await withEndpoint({ openQueue: () => queue, openStream: refuse }, { packetRules });
    const endpoint = device.openEndpoint(0x84);
    expect(thrown(() => endpoint.submit(submission()))).toEqual(asRuled);
    expect(thrown(() => endpoint.stream?.(plan, sink))).toEqual(asRuled);
  });

  it("are refused later, where libusb sees them later", async () => {
    const ring: { now?: () => void } = {};
    const reap = vi.fn().mockReturnValueOnce({ timestamp: 1, cancelled: false, libusb: -2, errno: 0 });
    const context = stubbedContext({
      open: (_bus, _address, rung) => {
        ring.now = rung;
        return Promise.resolve(stubbedDevice({ openQueue: () => stubbedQueue({ reap }) }));
      },
    });
    const info = toDeviceInfo(camera);
    if (info === undefined) throw new Error("a device without a descriptor");
    const closed = () => Promise.resolve();
    const device = await OpenedDevice.open(context, camera, info, { detachKernelDriver: true, packetRules, closed });
    await done(device.selectAlternate(2, 1));
    const sent = submission();
    device.openEndpoint(0x84).submit(sent);
    ring.now?.();
    expect(plain(sent.error)).toEqual(asRuled);
  });

  it("are not why anything else is refused", async () => {
    const device = await withEndpoint({ claim: () => Promise.reject(nativeError(-2)) }, { packetRules });
    expect(await failureOf(done(device.claimInterface(2)))).toEqual(failure("TransportError", "transport-failed"));
  });
});

describe("an endpoint of a time before", () => {
  it.each<[string, (device: OpenedDevice) => Observable<unknown>]>([
    ["a reset", (device) => device.reset()],
    ["another alternate setting", (device) => device.selectAlternate(2, 0)],
  ])("%s takes nothing, and has no memory to give", async (_, end) => {
    const allocateDma = vi.fn();
    const device = await withEndpoint({ allocateDma });
    const endpoint = device.openEndpoint(0x84);
    await done(end(device));
    const closed = failure("TransferStateError", "pipe-closed", "open the endpoint again");
    expect(thrown(() => endpoint.submit(submission()))).toEqual(closed);
    expect(thrown(() => endpoint.stream?.(plan, sink))).toEqual(closed);
    expect(thrown(() => endpoint.allocateDma?.(64))).toEqual(closed);
    expect(allocateDma).not.toHaveBeenCalled();
  });
});
