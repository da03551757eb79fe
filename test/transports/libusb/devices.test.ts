import { firstValueFrom, lastValueFrom } from "rxjs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DeviceEvent } from "../../../src/index.js";
import type { Addon, DeviceChange, NativeContext } from "../../../transports/libusb/addon.js";
import { libusb } from "../../../transports/libusb/index.js";
import { failure, plain } from "../../support/plain-error.js";
import { camera, nativeError, stubbedAddon, stubbedContext } from "./stubs.js";

const loadAddon = vi.hoisted(() => vi.fn<() => Addon>());
vi.mock(import("../../../transports/libusb/addon.js"), async (original) => ({ ...(await original()), loadAddon }));

const another = { ...camera, address: 6, ports: [3] };

beforeEach(() => {
  loadAddon.mockReset();
});

describe("where libusb fails", () => {
  const outOfFiles = nativeError(-99, 24);
  const starting = failure("TransportError", "transport-failed", "could not start libusb: libusb error -99, errno 24");
  const listing = failure("TransportError", "transport-failed", "could not list the devices: libusb error -99");

  it("to start, that is said", async () => {
    const addon = stubbedAddon(stubbedContext());
    loadAddon.mockReturnValue({ ...addon, createContext: () => Promise.reject(outOfFiles) });
    expect(await lastValueFrom(libusb().devices()).catch(plain)).toEqual(starting);
    expect(await lastValueFrom(libusb().open({})).catch(plain)).toEqual(starting);
  });

  it("to start, a later use starts it", async () => {
    const addon = stubbedAddon(stubbedContext());
    const createContext = vi.fn(() => addon.createContext()).mockRejectedValueOnce(outOfFiles);
    loadAddon.mockReturnValue({ ...addon, createContext });
    const transport = libusb({ hotplug: "addon" });
    expect(await lastValueFrom(transport.devices()).catch(plain)).toEqual(starting);
    expect((await firstValueFrom(transport.devices())).device.id).toBe("1-2:5");
  });

  it("to list the devices, that is said", async () => {
    const close = vi.fn(() => Promise.resolve());
    const context = stubbedContext({ devices: () => Promise.reject(outOfFiles), close });
    loadAddon.mockReturnValue(stubbedAddon(context));
    expect(await lastValueFrom(libusb({ hotplug: "addon" }).devices()).catch(plain)).toEqual(listing);
    expect(await lastValueFrom(libusb().open({})).catch(plain)).toEqual(listing);
    expect(close).toHaveBeenCalledTimes(2);
  });

  it("to look at a device that came, that is said", async () => {
    let ring: (() => void) | undefined;
    const context = stubbedContext({
      devices: vi.fn<NativeContext["devices"]>(() => Promise.reject(outOfFiles)).mockResolvedValueOnce([camera]),
      watch: (ringing) => {
        ring = ringing;
      },
      changes: () => [{ arrived: true, ...another }],
    });
    loadAddon.mockReturnValue(stubbedAddon(context));
    const ended = new Promise((error) => {
      libusb({ hotplug: "addon" })
        .devices()
        .subscribe({ next: () => ring?.(), error });
    });
    expect(plain(await ended)).toEqual(listing);
  });

  it("to end, nobody is told who did not ask", async () => {
    const context = stubbedContext({ close: () => Promise.reject(outOfFiles) });
    loadAddon.mockReturnValue(stubbedAddon(context));
    expect((await firstValueFrom(libusb({ hotplug: "addon" }).devices())).type).toBe("attach");
  });
});

describe("devices()", () => {
  it("listens before it looks, and leaves nothing out that comes in between", async () => {
    let changes: DeviceChange[] = [];
    let ring: (() => void) | undefined;
    let isThere = false;
    const context = stubbedContext({
      devices: () => {
        const present = isThere ? [camera, another] : [camera];
        if (!isThere) {
          isThere = true;
          changes = [{ arrived: true, ...another }];
          ring?.();
        }
        return Promise.resolve(present);
      },
      watch: (ringing) => {
        ring = ringing;
      },
      changes: () => changes.splice(0),
    });
    loadAddon.mockReturnValue(stubbedAddon(context));
    const events: DeviceEvent[] = [];
    const subscription = libusb({ hotplug: "addon" })
      .devices()
      .subscribe((event) => events.push(event));
    await expect
      .poll(() => events.map(({ type, device }) => [type, device.id]))
      .toStrictEqual([
        ["attach", "1-2:5"],
        ["attach", "1-3:6"],
      ]);
    subscription.unsubscribe();
    await expect.poll(() => ring).toBeUndefined();
  });

  it("watches once for all who listen, until the last of them leaves", async () => {
    const watch = vi.fn();
    loadAddon.mockReturnValue(stubbedAddon(stubbedContext({ watch })));
    const transport = libusb({ hotplug: "addon" });
    const ids: string[] = [];
    const subscriptions = [1, 2].map(() => transport.devices().subscribe(({ device }) => ids.push(device.id)));
    await expect.poll(() => ids).toStrictEqual(["1-2:5", "1-2:5"]);
    expect(watch.mock.calls).toStrictEqual([[expect.any(Function)]]);
    subscriptions[0]?.unsubscribe();
    expect(watch).toHaveBeenCalledOnce();
    subscriptions[1]?.unsubscribe();
    expect(watch.mock.calls).toStrictEqual([[expect.any(Function)], []]);
  });

  it("tells of all that are there in one turn of the loop", async () => {
    loadAddon.mockReturnValue(stubbedAddon(stubbedContext({ devices: () => Promise.resolve([camera, another]) })));
    const ids: string[] = [];
    const subscription = libusb({ hotplug: "addon" })
      .devices()
      .subscribe(({ device }) => ids.push(device.id));
    const inFirstTurn = await new Promise((resolve) => {
      const poll = setInterval(() => {
        if (ids.length === 0) return;
        clearInterval(poll);
        resolve([...ids]);
      });
    });
    subscription.unsubscribe();
    expect(inFirstTurn).toStrictEqual(["1-2:5", "1-3:6"]);
  });
});
