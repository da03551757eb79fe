import { constants } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { type IsochError, parseDeviceDescriptor, type IsochErrorCode } from "../../../src/index.js";
import { packetRulesOn } from "../../../transports/libusb/capabilities.js";
import { deviceGone, explain, toIsochError, type Attempt } from "../../../transports/libusb/errors.js";
import { sonyPlaystationEye } from "../../fixtures/descriptors/index.js";
import { failure, plain } from "../../support/plain-error.js";

const { ENOMEM, ENOSPC } = constants.errno;
const attempt: Attempt = {
  to: "claim interface 0 of",
  device: { id: "1-2:5", descriptor: parseDeviceDescriptor(sonyPlaystationEye.device) },
};
const failed = "could not claim interface 0 of 1-2:5";

function told(libusb: number, errno = 0, changes: Partial<Attempt> = {}): unknown {
  return plain(toIsochError({ libusb, errno }, { ...attempt, ...changes }));
}

describe("what libusb says", () => {
  it.each<[string, number, `${string}Error`, IsochErrorCode, ...string[]]>([
    ["LIBUSB_ERROR_IO", -1, "TransportError", "transport-failed", failed, "libusb error -1"],
    ["LIBUSB_ERROR_ACCESS", -3, "AccessError", "access-denied", failed],
    ["LIBUSB_ERROR_NO_DEVICE", -4, "DeviceError", "device-gone", "1-2:5 was unplugged", "wait for it to attach again"],
    ["LIBUSB_ERROR_NOT_FOUND", -5, "EndpointError", "no-such-endpoint", failed],
    ["LIBUSB_ERROR_BUSY", -6, "BusyError", "interface-busy", failed, "end that first"],
    ["LIBUSB_ERROR_TIMEOUT", -7, "TransportError", "transport-failed", failed, "did not answer in time"],
    ["LIBUSB_ERROR_PIPE", -9, "DeviceError", "control-stalled", failed, "refused"],
    ["LIBUSB_ERROR_INTERRUPTED", -10, "TransferStateError", "pipe-closed", "open the endpoint again"],
    ["LIBUSB_ERROR_NO_MEM", -11, "ResourceError", "no-memory", failed, "usbfs_memory_mb"],
    ["LIBUSB_ERROR_NOT_SUPPORTED", -12, "UnsupportedError", "unsupported", failed, "WinUSB"],
    ["LIBUSB_ERROR_OTHER", -99, "TransportError", "transport-failed", failed, "libusb error -99"],
    ["one that is not known", -1234, "TransportError", "transport-failed", failed, "libusb error -1234"],
  ])("reads %s (%i) as an error that says what to do", (_, libusb, name, code, ...parts) => {
    const error = toIsochError({ libusb, errno: 0 }, attempt);
    expect(plain(error)).toEqual(failure(name, code, ...parts));
    expect(error.native).toBe(libusb);
  });

  it("reads ENOSPC, whatever libusb made of it, as bandwidth refused", () => {
    const expected = failure("BandwidthError", "bandwidth-exceeded", failed, "alternate setting with smaller packets");
    expect(told(-1, ENOSPC)).toEqual(expected);
    expect(told(-99, ENOSPC)).toEqual(expected);
  });

  it("reads ENOMEM, whatever libusb made of it, as no memory, with the setting to change", () => {
    const setting = "echo 256 > /sys/module/usbcore/parameters/usbfs_memory_mb";
    expect(told(-1, ENOMEM)).toEqual(failure("ResourceError", "no-memory", failed, setting));
  });

  it("reads LIBUSB_ERROR_INVALID_PARAM as what the system wants of packets, where it wants anything", () => {
    const packetRules = packetRulesOn("win32");
    expect(told(-2, 0, { packetRules })).toEqual(
      failure(
        "UnsupportedError",
        "unsupported",
        failed,
        "WinUSB takes packets of the endpoint's largest size",
        "libusbK",
      ),
    );
    expect(toIsochError({ libusb: -2, errno: 0 }, { ...attempt, packetRules }).native).toBe(-2);
    expect(told(-1, 0, { packetRules })).toEqual(failure("TransportError", "transport-failed"));
    for (const platform of ["linux", "darwin"] as const) {
      expect(told(-2, 0, { packetRules: packetRulesOn(platform) })).toEqual(
        failure("TransportError", "transport-failed", failed, "libusb error -2"),
      );
    }
  });

  it("tells the errno of an error without a name", () => {
    expect(told(-1, 71)).toEqual(failure("TransportError", "transport-failed", "libusb error -1, errno 71"));
    expect(toIsochError({ libusb: -1, errno: 0 }, attempt).message).not.toContain("errno");
  });

  it("fills the udev rule in, where there is udev", () => {
    const rule = 'SUBSYSTEM=="usb", ATTR{idVendor}=="1415", ATTR{idProduct}=="2000", MODE="0660", TAG+="uaccess"';
    for (const [platform, part] of [
      ["linux", rule],
      ["darwin", "run the program as a user who may use USB devices"],
    ] as const) {
      const spy = vi.spyOn(process, "platform", "get").mockReturnValue(platform);
      try {
        expect(told(-3)).toEqual(failure("AccessError", "access-denied", part));
      } finally {
        spy.mockRestore();
      }
    }
  });

  it("names the holder of what is busy, if it is known, and looks for it only then", () => {
    const holder = vi.fn(() => "the kernel driver uvcvideo");
    expect(told(-6, 0, { holder })).toEqual(
      failure("BusyError", "interface-busy", "held by the kernel driver uvcvideo: end that first"),
    );
    expect(told(-6, 0, { holder: () => undefined })).toEqual(
      failure("BusyError", "interface-busy", "another program or driver"),
    );
    told(-4, 0, { holder });
    expect(holder).toHaveBeenCalledOnce();
  });
});

describe("what the addon threw", () => {
  it("is explained, and kept as the cause", () => {
    const thrown = Object.assign(new Error("LIBUSB_ERROR_BUSY"), { libusb: -6, errno: constants.errno.EBUSY });
    const error = explain(thrown, attempt);
    expect(plain(error)).toEqual(failure("BusyError", "interface-busy"));
    expect((error as IsochError).cause).toBe(thrown);
  });

  it.each([new TypeError("a bug"), undefined, null, "text", { libusb: "-6" }])(
    "stays as it is if it is %s",
    (other) => {
      expect(explain(other, attempt)).toBe(other);
    },
  );

  it("is of no device where none was meant", () => {
    const { device: _device, ...general } = { ...attempt, to: "list the devices" };
    const said = (libusb: number) => plain(toIsochError({ libusb, errno: 0 }, general));
    const could = "could not list the devices: ";
    expect(said(-4)).toEqual(failure("TransportError", "transport-failed", `${could}libusb error -4`));
    expect(said(-3)).toEqual(failure("AccessError", "access-denied", could, "run the program as a user"));
    expect(said(-11)).toEqual(failure("ResourceError", "no-memory", could, "no thread is left"));
  });

  it("is an unplug where the device is known to be gone, with what was said", () => {
    const thrown = Object.assign(new Error("LIBUSB_ERROR_PIPE"), { libusb: -9, errno: constants.errno.EPIPE });
    const error = explain(thrown, { ...attempt, isGone: true });
    expect(plain(error)).toEqual(failure("DeviceError", "device-gone", "1-2:5 was unplugged"));
    expect(error).toMatchObject({ native: -9, cause: thrown });
  });

  it("tells of an unplug without having been told by libusb", () => {
    expect(deviceGone("1-2:5").native).toBe(-4);
  });
});
