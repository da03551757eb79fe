import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { concatMap, EMPTY, exhaustMap, firstValueFrom, lastValueFrom, of, type Observable } from "rxjs";
import {
  AccessError,
  BandwidthError,
  BusyError,
  DeviceError,
  EndpointError,
  IsochError,
  isochPipe,
  ResourceError,
  type IsochPipe,
  type IsochRequest,
  type PipeSession,
  type TransportDevice,
} from "rx-isoch";
import { close, issue } from "rx-isoch/operators";
import { libusb, libusbCounters } from "rx-isoch/transports/libusb";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { devices } from "../../devices.js";
import { CounterBus } from "../support/counter-devices.js";
import { load, unload } from "../support/kernel.js";
import { plugAudio, plugHub, unplug } from "../support/plug.js";
import { deviceWithSerial } from "../support/sysfs.js";
import { limitUsbfsMemory, usbfsMemoryLimit } from "../support/usbfs-memory.js";

const { id: serialNumber, controller: xhci } = devices.audioOnXhci;
const uhci = devices.audioOnUhci.controller;
const stereo = { endpoint: 0x01, interfaceNumber: 1, alternate: 1 };
const stereoLength = 192;
/** 7.1, which usb-audio has with `multi`. */
const surround = { ...stereo, alternate: 3 };
const surroundLength = 768;

const done = (step: Observable<unknown>): Promise<unknown> => lastValueFrom(step, { defaultValue: undefined });

/** What a step that must fail fails with. */
async function failureOf(step: Observable<unknown>): Promise<IsochError> {
  try {
    await done(step);
  } catch (error) {
    if (IsochError.is(error)) return error;
    throw error;
  }
  throw new Error("it went well");
}

function thrownBy(act: () => unknown): IsochError {
  try {
    act();
  } catch (error) {
    if (IsochError.is(error)) return error;
    throw error;
  }
  throw new Error("it went well");
}

/** Opens the device and closes it again. */
const opening = (serial: string = serialNumber) =>
  libusb()
    .open({ serialNumber: serial })
    .pipe(concatMap((device) => device.close()));

/** Uses an open device, and closes it. */
async function withDevice<T>(use: (device: TransportDevice) => Promise<T>, transport = libusb()): Promise<T> {
  const device = await firstValueFrom(transport.open({ serialNumber }));
  try {
    return await use(device);
  } finally {
    await done(device.close());
  }
}

/** Uses an open pipe, and closes it. */
async function withSession(pipe: IsochPipe, use: (session: PipeSession) => Promise<void> | void): Promise<void> {
  try {
    await firstValueFrom(pipe.open().pipe(concatMap(async (session) => use(session))));
  } finally {
    await done(pipe.closing);
  }
}

const silence = (length: number, frames: number): IsochRequest => ({
  lengths: length,
  frames,
  buffer: new Uint8Array(length * frames),
});

function* endless(length: number): Generator<IsochRequest> {
  for (;;) yield silence(length, 50);
}

afterEach(() => {
  const { buffers: _, ...inUse } = libusbCounters();
  expect(Object.entries(inUse).filter(([, count]) => count !== 0)).toStrictEqual([]);
});

describe("access denied", () => {
  test("names the udev rule that gives access", async () => {
    const device = deviceWithSerial(serialNumber);
    const { node } = device;
    const { mode } = statSync(node);
    const nobody = 65534;
    chmodSync(node, 0o600);
    onTestFinished(() => {
      process.seteuid?.(0);
      chmodSync(node, mode);
    });
    process.seteuid?.(nobody);
    const error = await failureOf(opening());
    process.seteuid?.(0);

    expect(error).toBeInstanceOf(AccessError);
    expect(error.code).toBe("access-denied");
    expect(error.message).toContain("could not open ");
    expect(error.message).toContain("/etc/udev/rules.d/");
    expect(error.message).toContain(
      `SUBSYSTEM=="usb", ATTR{idVendor}=="${device.read("idVendor")}", ATTR{idProduct}=="${device.read("idProduct")}", MODE="0660", TAG+="uaccess"`,
    );
    await done(opening());
  });
});

describe("interface busy", () => {
  test("names the process that holds it", async () => {
    const claim = [
      "import fcntl, os, struct, sys",
      "USBDEVFS_CLAIMINTERFACE = 0x8004550f",
      "fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR), USBDEVFS_CLAIMINTERFACE, struct.pack('I', 1))",
      "print('claimed', flush=True)",
      "sys.stdin.read()",
    ];
    const child = spawn("python3", ["-c", claim.join("\n"), deviceWithSerial(serialNumber).node], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    onTestFinished(() => void child.kill());
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    expect(said.toString()).toBe("claimed\n");

    await withDevice(async (device) => {
      const error = await failureOf(device.claimInterface(1));
      expect(error).toBeInstanceOf(BusyError);
      expect(error.code).toBe("interface-busy");
      expect(error.message).toBe(
        `could not claim interface 1 of ${device.info.id}: it is held by process ${String(child.pid)} (python3): end that first`,
      );

      child.stdin.end();
      await exited;
      await done(device.claimInterface(1));
      await done(device.releaseInterface(1));
    });
  });

  test("names this program, if it has another handle on the device", async () => {
    await withDevice(async (holder) => {
      await done(holder.claimInterface(1));
      const error = await withDevice((device) => failureOf(device.claimInterface(1)));
      expect(error).toBeInstanceOf(BusyError);
      expect(error.code).toBe("interface-busy");
      expect(error.message).toBe(
        `could not claim interface 1 of ${holder.info.id}: it is held by this program (process ${process.pid}): end that first`,
      );
      await done(holder.releaseInterface(1));
    });
  });

  test("names the kernel's driver, where that is not to be detached", async () => {
    load("snd-usb-audio");
    onTestFinished(() => {
      unload("snd-usb-audio");
    });
    const transport = libusb({ detachKernelDriver: false });
    const error = await withDevice((device) => failureOf(device.claimInterface(1)), transport);
    expect(error).toBeInstanceOf(BusyError);
    expect(error.code).toBe("interface-busy");
    expect(error.message).toContain(": it is held by the kernel driver snd-usb-audio: end that first");
    expect(deviceWithSerial(serialNumber).interfaceDriver(1)).toBe("snd-usb-audio");
  });
});

describe("bandwidth refused", () => {
  test("says so where the bus has no room for a second stream", async () => {
    const ids = ["surround-1", "surround-2"] as const;
    onTestFinished(async () => {
      for (const id of [...ids, "hub"]) await unplug(id);
    });
    await plugHub("hub", uhci);
    for (const id of ids) await plugAudio(id, { controller: uhci, multi: true });

    const transport = libusb();
    const [first, second] = ids.map((id) => isochPipe(transport, { serialNumber: id, ...surround })) as [
      IsochPipe,
      IsochPipe,
    ];
    const one = of(silence(surroundLength, 20)).pipe(issue(second), close());
    const error = await firstValueFrom(
      of(endless(surroundLength)).pipe(
        issue(first),
        close(),
        exhaustMap(() => failureOf(one)),
      ),
    );
    expect(error).toBeInstanceOf(BandwidthError);
    expect(error.code).toBe("bandwidth-exceeded");
    expect(error.message).toContain("the bus has no bandwidth left for it; pick an alternate setting with smaller");

    await done(first.closing);
    expect((await lastValueFrom(one)).bytesTransferred).toBe(20 * surroundLength);
    await done(second.closing);
  });
});

describe("usbfs memory", () => {
  const mebibyte = 2 ** 20;

  function expectNoMemory(error: IsochError, what: string, endpoint = "0x01"): void {
    expect(error).toBeInstanceOf(ResourceError);
    expect(error.code).toBe("no-memory");
    expect(error.message).toContain(`could not ${what} endpoint ${endpoint} of `);
    expect(error.message).toContain(`echo 256 > ${usbfsMemoryLimit}`);
  }

  test("names the limit, for a buffer and for a transfer", async () => {
    limitUsbfsMemory(1);
    await withSession(isochPipe(libusb(), { serialNumber, ...stereo }), async (session) => {
      expectNoMemory(
        thrownBy(() => session.allocateDma(2 * mebibyte)),
        "allocate memory for",
      );

      const most = session.allocateDma(mebibyte - 4096);
      expectNoMemory(
        thrownBy(() => session.issue(silence(stereoLength, 100))),
        "submit to",
      );
      most.free();
      const transfer = session.issue(silence(stereoLength, 100));
      await done(transfer.completion);
      expect(transfer.results().bytesTransferred).toBe(100 * stereoLength);
      transfer.close();
    });
  });

  test("ends a stream of whose transfers the system takes no more than a part", async () => {
    limitUsbfsMemory(1);
    await using bus = await CounterBus.open();
    await bus.attach({ speed: "full", serialNumber: "memory" });
    const pipe = isochPipe(libusb(), { serialNumber: "memory", endpoint: 0x81, alternate: 1 });
    // Of the nine pieces in which it goes to the system, the last is one too many.
    expectNoMemory(await failureOf(pipe.results({ frames: 1100, queue: 1 })), "stream from", "0x81");
    await done(pipe.closing);
  });
});

describe("no such endpoint", () => {
  test("says which alternate settings have it", async () => {
    const pipe = isochPipe(libusb(), { serialNumber, ...stereo, alternate: 0 });
    const error = await failureOf(pipe.open());
    expect(error).toBeInstanceOf(EndpointError);
    expect(error.code).toBe("not-in-alternate");
    expect(error.message).toContain("alternate setting 0 does not have endpoint 0x01");
    expect(error.message).toContain("0x01 (interface 1, alternate settings 1)");
    await done(pipe.closing);
  });

  test("is the transport's own answer too", async () => {
    await withDevice(async (device) => {
      await done(device.claimInterface(1));
      await done(device.selectAlternate(1, 0));
      const error = thrownBy(() => device.openEndpoint(0x01));
      expect(error).toBeInstanceOf(EndpointError);
      expect(error.code).toBe("not-in-alternate");
      expect(error.message).toContain("endpoint 0x01 of ");
      await done(device.releaseInterface(1));
    });
  });
});

describe("device gone", () => {
  const spare = "spare";

  function expectGone(error: unknown): void {
    expect(error).toBeInstanceOf(DeviceError);
    expect(error).toMatchObject({ code: "device-gone" });
    expect((error as IsochError).message).toContain("was unplugged: wait for it to attach again");
  }

  afterEach(() => unplug(spare));

  test("ends a stream in flight", async () => {
    await plugAudio(spare, { controller: xhci });
    const pipe = isochPipe(libusb(), { serialNumber: spare, ...stereo });
    const unplugging: Promise<void>[] = [];
    const playing = of(endless(stereoLength)).pipe(
      issue(pipe),
      close(),
      concatMap(() => {
        if (unplugging.length === 0) unplugging.push(unplug(spare));
        return EMPTY;
      }),
    );
    expectGone(await failureOf(playing));
    await Promise.all(unplugging);
    expect(unplugging).toHaveLength(1);
    await done(pipe.closing);
  });

  test("is told of a device that is idle", async () => {
    await plugAudio(spare, { controller: xhci });
    const device = await firstValueFrom(libusb().open({ serialNumber: spare }));
    try {
      await unplug(spare);
      expectGone(await firstValueFrom(device.gone));
      expectGone(await failureOf(device.claimInterface(1)));
    } finally {
      await done(device.close());
    }
  });

  test("reads as no such device, when it is opened", async () => {
    await plugAudio(spare, { controller: xhci });
    await done(opening(spare));
    await unplug(spare);
    const error = await failureOf(opening(spare));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.code).toBe("no-such-device");
    expect(error.message).toContain("plug it in, or look at what devices() lists");
  });
});

describe("a device that refuses", () => {
  test("a request that it does not know", async () => {
    const setup = { direction: "in", type: "vendor", recipient: "device", request: 0x42, value: 1, index: 2 } as const;
    const error = await withDevice((device) => failureOf(device.controlTransfer(setup, 4)));
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.code).toBe("control-stalled");
    expect(error.message).toContain("could not get an answer to the vendor request 66, value 1, index 2, from ");
    expect(error.message).toContain("the device refused the request");
  });

  test("to be opened, because it is not configured", async () => {
    const file = join(deviceWithSerial(serialNumber).path, "bConfigurationValue");
    onTestFinished(() => {
      writeFileSync(file, "1");
    });
    writeFileSync(file, "0");
    const error = await failureOf(opening());
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.code).toBe("not-configured");
    expect(error.message).toMatch(
      new RegExp(`^\\S+ is not configured: plug it in .*, or select a configuration: echo 1 > ${file}$`),
    );

    writeFileSync(file, "1");
    await done(opening());
  });
});
