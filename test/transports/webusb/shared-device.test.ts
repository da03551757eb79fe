import { firstValueFrom, lastValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import { isochPipe, type ControlSetup } from "../../../src/index.js";
import { webusb, type WebUsbDevice } from "../../../transports/webusb/index.js";
import { done } from "../../support/raw-port.js";
import { codeOf, errorOf, lab, open, port, rejecting } from "./lab.js";

const nothing = { openDevices: 0, claimedInterfaces: 0, inFlight: 0 };
const vendor: ControlSetup = {
  direction: "in",
  type: "vendor",
  recipient: "device",
  request: 1,
  value: 0,
  index: 0,
};
const interfaceOf = (device: WebUsbDevice) => device.configuration?.interfaces[0];

describe("two transports over one USB", () => {
  it("share the device: it stays open until the last handle of both is closed", async () => {
    const { usb, inner, transport, bus } = await lab();
    const other = webusb({ usb });
    const [mine, theirs] = [await open(transport), await open(other)];
    expect(theirs.info.id).toBe(mine.info.id);
    await done(mine.close());
    expect(inner.opened).toBe(true);
    expect((await firstValueFrom(isochPipe(other, { endpoint: 0x81 }).results())).error).toBe("ok");
    await done(theirs.close());
    await expect.poll(() => bus.audit()).toMatchObject(nothing);
  });

  it("cannot claim the same interface, and say so instead of taking it from one another", async () => {
    const { usb, transport } = await lab();
    const other = isochPipe(webusb({ usb }), { endpoint: 0x81 });
    const raw = await port(transport);
    expect(await codeOf(firstValueFrom(other.results()))).toBe("interface-busy");
    expect((await raw.submit({ lengths: 64, frames: 4 }).completion).rejected).toBeUndefined();
    await raw.close();
    await done(other.closing);
    expect((await firstValueFrom(other.results())).error).toBe("ok");
    await done(other.closing);
  });

  it("change it one after the other, as a browser wants it", async () => {
    const { usb, transport, bus } = await lab();
    const pipes = [transport, webusb({ usb }), webusb({ usb })].map((each) => isochPipe(each, { endpoint: 0x81 }));
    const codes = await Promise.all(pipes.map((pipe) => codeOf(firstValueFrom(pipe.results()))));
    expect(codes.filter((code) => code !== "interface-busy")).toContain("no error");
    await Promise.all(pipes.map((pipe) => done(pipe.closing)));
    expect(bus.audit()).toMatchObject(nothing);
  });

  it("have each their own speed, and their own frames in a call", async () => {
    const calls: number[] = [];
    const { usb } = await lab((device) => ({
      isochronousTransferIn: (number, lengths) => {
        calls.push(lengths.length);
        return device.isochronousTransferIn(number, lengths);
      },
    }));
    const [one, other] = [webusb({ usb, framesPerCall: 2 }), webusb({ usb, framesPerCall: 3 })];
    for (const transport of [one, other]) {
      const raw = await port(transport);
      await raw.submit({ lengths: 64, frames: 6 }).completion;
      await raw.close();
    }
    expect(calls).toStrictEqual([2, 2, 2, 3, 3]);
    const full = webusb({ usb, speed: "full" });
    const infos = await Promise.all([full, other].map((each) => firstValueFrom(each.devices())));
    expect(infos.map(({ device }) => device.speed)).toStrictEqual(["full", "high"]);
  });
});

describe("code of the page beside", () => {
  it("what it had claimed it keeps, in the alternate setting that it had", async () => {
    const { transport, inner } = await lab();
    await inner.open();
    await inner.claimInterface(0);
    await inner.selectAlternateInterface(0, 2);
    const pipe = isochPipe(transport, { endpoint: 0x81, alternate: 1 });
    expect((await firstValueFrom(pipe.results())).error).toBe("ok");
    await done(pipe.closing);
    expect(inner.opened).toBe(true);
    expect(interfaceOf(inner)).toMatchObject({ claimed: true, alternate: { alternateSetting: 2 } });
    await inner.close();
  });

  it("what it had not claimed is released, though it had opened the device", async () => {
    const { transport, inner } = await lab();
    await inner.open();
    const pipe = isochPipe(transport, { endpoint: 0x81 });
    await firstValueFrom(pipe.results());
    await done(pipe.closing);
    expect(interfaceOf(inner)).toMatchObject({ claimed: false, alternate: { alternateSetting: 0 } });
    await inner.close();
  });

  it.each(["open", "releaseInterface", "close"] as const)(
    "changes the device, so that a browser refuses %s: tried until it is let in",
    async (method) => {
      let refusals = 3;
      const { transport, inner, bus } = await lab((device) => ({
        [method]: (number: number) => (refusals-- > 0 ? rejecting("InvalidStateError")() : device[method](number)),
      }));
      const pipe = isochPipe(transport, { endpoint: 0x81 });
      expect((await firstValueFrom(pipe.results())).error).toBe("ok");
      await done(pipe.closing);
      expect([refusals, inner.opened]).toStrictEqual([-1, false]);
      expect(bus.audit()).toMatchObject(nothing);
    },
  );

  it("closes the device while it is being closed here: closed, and nobody is blamed", async () => {
    const { transport, inner, bus } = await lab();
    const device = await open(transport);
    await done(device.claimInterface(0));
    const theirs = inner.close();
    await done(device.close());
    await theirs;
    expect(bus.audit()).toMatchObject(nothing);
  });

  it("never lets go: the error says so, and the next handle closes what was left open", async () => {
    let isBlocked = true;
    const { transport, inner } = await lab((device) => ({
      close: () => (isBlocked ? rejecting("InvalidStateError")() : device.close()),
    }));
    const device = await open(transport);
    const error = await errorOf(done(device.close()));
    expect(error).toMatchObject({ code: "pipe-closed", native: "InvalidStateError" });
    expect(error.message).toContain("beside this transport");
    isBlocked = false;
    await done((await open(transport)).close());
    expect(inner.opened).toBe(false);
  });
});

describe("a request that is cut short from here", () => {
  it.each(["AbortError", "NetworkError"])(
    "by the close, with %s: says that it was this program, and blames nobody beside",
    async (name) => {
      let abort: ((reason: unknown) => void) | undefined;
      const { transport } = await lab((inner) => ({
        controlTransferIn: (setup, length) =>
          setup.requestType === "vendor"
            ? new Promise((_, reject) => (abort = reject))
            : inner.controlTransferIn(setup, length),
        close: async () => {
          abort?.(new DOMException("as the test says", name));
          await inner.close();
        },
      }));
      const device = await open(transport);
      const asking = errorOf(lastValueFrom(device.controlTransfer(vendor, 12)));
      await done(device.close());
      const error = await asking;
      expect(error).toMatchObject({ code: "pipe-closed", native: name });
      expect(error.message).toContain("by this program");
    },
  );
});
