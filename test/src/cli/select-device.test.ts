import { describe, expect, it } from "vitest";
import { selectDevice } from "../../../src/cli/select-device.js";
import { DeviceError, InvalidRequestError, type DeviceInfo } from "../../../src/index.js";
import { counterDevice, VirtualBus } from "../../../transports/virtual/index.js";
import { cmediaUsbSpeaker, sonyPlaystationEye } from "../../fixtures/descriptors/index.js";
import { infoOf, plainDevice } from "./device-infos.js";

const bus = new VirtualBus();
const hub = bus.attach(plainDevice()).info;
const counter = bus.attach(counterDevice({ serialNumber: "A1" })).info;
const speaker = infoOf(cmediaUsbSpeaker, { id: "1-1:4", manufacturer: "C-Media" });
const camera = infoOf(sonyPlaystationEye, { id: "1-2:5", product: undefined });
const devices: readonly DeviceInfo[] = [hub, counter, speaker, camera];

describe("selectDevice", () => {
  it.each<[string, DeviceInfo]>([
    ["1209:0001", counter],
    ["1209:1", counter],
    ["0x1209:0x0001", counter],
    ["0D8C:0001", speaker],
    ["0d8c:0001", speaker],
    ["1d6b:0002", hub],
    ["1-2:5", camera],
    ["virtual-2", counter],
    ["COUNT", counter],
    ["usb speak", speaker],
    ["c-media", speaker],
    ["a1", counter],
    // A hub is meant only where nothing else is.
    ["rx-isoch", counter],
    ["hub", hub],
  ])("finds %s", (wanted, device) => {
    expect(selectDevice(devices, wanted)).toBe(device);
  });

  it.each(["1209:0002", "webcam", "1-2:6", "1-2", "virtual"])("finds no %s, and says where to look", (wanted) => {
    const select = () => selectDevice(devices, wanted);
    expect(select).toThrow(DeviceError);
    expect(select).toThrow(`no USB device is '${wanted}': plug it in, or see what the command list shows`);
  });

  it("does not choose among several, but names them", () => {
    const twin = { ...counter, id: "virtual-9" };
    const select = () => selectDevice([...devices, twin], "1209:0001");
    expect(select).toThrow(InvalidRequestError);
    expect(select).toThrow("choose by id: virtual-2 (counter 1209:0001), virtual-9 (counter 1209:0001)");
    expect(selectDevice([...devices, twin], "virtual-9")).toBe(twin);
  });

  it("takes an id for what it is, though it is a part of other names", () => {
    const namedLikeIt = { ...speaker, product: "not 1-2:5" };
    expect(selectDevice([namedLikeIt, camera], "1-2:5")).toBe(camera);
  });
});
