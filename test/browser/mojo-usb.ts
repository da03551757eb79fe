import { VirtualBus } from "rx-isoch/transports/virtual";
import { toWebUsb, type FullWebUsbDevice, type WebUsbControlSetup } from "rx-isoch/transports/webusb";
import { DemoDevice } from "../../examples/angular/src/usb/demo-device.js";
import type { Value } from "./mojo/codec.js";
import { client, service, usbDevice } from "./mojo/messages.js";
import { answer, send, type MojoHandle } from "./mojo/pipe.js";

// Runs in a page before its own scripts, in a Chromium with MojoJS: what stands between the navigator.usb of the browser
// itself and its USB service is intercepted, and answered with the device of the example. So all that Blink does
// with calls, states and errors is real, and only the USB stack of the system is not.

declare const MojoInterfaceInterceptor: new (name: string) => {
  oninterfacerequest: (event: { readonly handle: MojoHandle }) => void;
  start(): void;
};

const bus = new VirtualBus();
let attachment = bus.attach(new DemoDevice());
const usb = toWebUsb(bus, { protectedClasses: true });
const guids = new WeakMap<FullWebUsbDevice, string>();
const devices = new Map<string, FullWebUsbDevice>();
let count = 0;

const statuses = { ok: 0, stall: 4, babble: 6 } as const;
const transferError = 1;
const cancelled = 3;
const types = { control: 0, isochronous: 1, bulk: 2, interrupt: 3 } as const;
const nothing = new Uint8Array(0);

function guidOf(device: FullWebUsbDevice): string {
  const guid = guids.get(device) ?? `device-${++count}`;
  guids.set(device, guid);
  devices.set(guid, device);
  return guid;
}

function describe(device: FullWebUsbDevice): Value {
  return {
    guid: guidOf(device),
    usbVersionMajor: device.usbVersionMajor,
    usbVersionMinor: device.usbVersionMinor,
    usbVersionSubminor: device.usbVersionSubminor,
    deviceClass: device.deviceClass,
    deviceSubclass: device.deviceSubclass,
    deviceProtocol: device.deviceProtocol,
    bus: 1,
    port: 1,
    vendorId: device.vendorId,
    productId: device.productId,
    deviceVersionMajor: device.deviceVersionMajor,
    deviceVersionMinor: device.deviceVersionMinor,
    deviceVersionSubminor: device.deviceVersionSubminor,
    manufacturerName: device.manufacturerName,
    productName: device.productName,
    serialNumber: device.serialNumber,
    landingPage: null,
    active: 1,
    configurations: device.configurations.map(({ configurationValue, interfaces }) => ({
      value: configurationValue,
      name: null,
      power: 50,
      extra: nothing,
      interfaces: interfaces.map(({ interfaceNumber, alternates }) => ({
        number: interfaceNumber,
        first: interfaceNumber,
        alternates: alternates.map((alternate) => ({
          setting: alternate.alternateSetting,
          classCode: alternate.interfaceClass,
          subclassCode: alternate.interfaceSubclass,
          protocolCode: alternate.interfaceProtocol,
          name: null,
          extra: nothing,
          endpoints: alternate.endpoints.map(({ endpointNumber, direction, type, packetSize }) => ({
            number: endpointNumber,
            direction: direction === "in" ? 0 : 1,
            type: types[type],
            packetSize,
            interval: 1,
            extra: nothing,
          })),
        })),
      })),
    })),
  };
}

const succeeds = (work: Promise<unknown>): Promise<Value> =>
  work.then(
    () => ({ success: true }),
    () => ({ success: false }),
  );
const failure = (error: unknown): number =>
  error instanceof DOMException && error.name === "AbortError" ? cancelled : transferError;
const bytesOf = (data: DataView | undefined): Uint8Array =>
  data === undefined ? nothing : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function toSetup(value: unknown): WebUsbControlSetup {
  const setup = value as Record<"type" | "recipient" | "request" | "value" | "index", number>;
  return {
    requestType: (["standard", "class", "vendor"] as const)[setup.type] ?? "vendor",
    recipient: (["device", "interface", "endpoint", "other"] as const)[setup.recipient] ?? "other",
    request: setup.request,
    value: setup.value,
    index: setup.index,
  };
}

/** The browser's process, as far as one device goes. */
function serveDevice(pipe: MojoHandle, device: FullWebUsbDevice): void {
  let isOpen = false;
  answer(pipe, usbDevice, {
    open: async () => {
      await device.open();
      isOpen = true;
      return { result: [0, 0] };
    },
    close: async () => {
      isOpen = false;
      await device.close().catch(() => undefined);
      return {};
    },
    setConfiguration: ({ value }) => succeeds(device.selectConfiguration(Number(value))),
    claimInterface: ({ number }) =>
      device.claimInterface(Number(number)).then(
        () => ({ result: 0 }),
        (error: unknown) => ({ result: error instanceof DOMException && error.name === "SecurityError" ? 1 : 2 }),
      ),
    releaseInterface: ({ number }) => succeeds(device.releaseInterface(Number(number))),
    selectAlternate: ({ number, alternate }) =>
      succeeds(device.selectAlternateInterface(Number(number), Number(alternate))),
    reset: () => succeeds(device.reset()),
    clearHalt: ({ direction, number }) => succeeds(device.clearHalt(direction === 0 ? "in" : "out", Number(number))),
    controlIn: ({ setup, length }) =>
      device.controlTransferIn(toSetup(setup), Number(length)).then(
        ({ status, data }) => ({ status: statuses[status], data: { buffer: bytesOf(data) } }),
        (error: unknown) => ({ status: failure(error), data: { buffer: nothing } }),
      ),
    controlOut: ({ setup, data }) =>
      device.controlTransferOut(toSetup(setup), (data as { readonly buffer: Uint8Array<ArrayBuffer> }).buffer).then(
        ({ status }) => ({ status: statuses[status] }),
        (error: unknown) => ({ status: failure(error) }),
      ),
    isochronousIn: ({ number, lengths }) => {
      const each = lengths as number[];
      return device.isochronousTransferIn(Number(number), each).then(
        ({ data, packets }) => ({
          data: { buffer: bytesOf(data) },
          packets: packets.map(({ status, data }, i) => ({
            length: each[i],
            transferred: data?.byteLength ?? 0,
            status: statuses[status],
          })),
        }),
        (error: unknown) => ({
          data: { buffer: nothing },
          packets: each.map((length) => ({ length, transferred: 0, status: failure(error) })),
        }),
      );
    },
  });
  // Blink drops a device that the page holds no more, and has another pipe for the next one.
  pipe.watch({ peerClosed: true }, () => {
    if (isOpen) void device.close().catch(() => undefined);
  });
}

const interceptor = new MojoInterfaceInterceptor("blink.mojom.WebUsbService");
interceptor.oninterfacerequest = ({ handle: pipe }) => {
  const tell = (id: number, device: FullWebUsbDevice): void => {
    // The client shares the pipe: its number is the first that the other side gives away.
    send(pipe, { id, fields: client.added.asked, value: { device: describe(device) }, interfaceId: 0x80000001 });
  };
  answer(pipe, service, {
    getDevices: async () => ({ results: (await usb.getDevices()).map(describe) }),
    getDevice: ({ guid, receiver }, handles) => {
      const device = devices.get(String(guid));
      const handle = handles[Number(receiver)];
      if (device !== undefined && handle !== undefined) serveDevice(handle, device);
      return undefined;
    },
    getPermission: async () => {
      const [device] = await usb.getDevices();
      return { result: device === undefined ? null : describe(device) };
    },
    forgetDevice: async () => Promise.resolve({}),
    setClient: () => {
      usb.addEventListener("connect", ({ device }) => {
        tell(client.added.id, device as FullWebUsbDevice);
      });
      usb.addEventListener("disconnect", ({ device }) => {
        tell(client.removed.id, device as FullWebUsbDevice);
      });
      return undefined;
    },
  });
};
interceptor.start();

Object.assign(globalThis, {
  pageUsb: {
    audit: () => bus.audit(),
    unplug: () => {
      attachment.detach();
    },
    plug: () => {
      attachment = bus.attach(new DemoDevice());
    },
  },
});
