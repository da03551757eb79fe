import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import { listingText } from "../../../../src/cli/list/listing-text.js";
import { listingOf } from "../../../../src/cli/list/listing.js";
import type { DeviceInfo } from "../../../../src/index.js";
import { counterDevice, VirtualBus } from "../../../../transports/virtual/index.js";
import { cmediaUsbSpeaker, focusriteScarlett2i2 } from "../../../fixtures/descriptors/index.js";
import { infoOf, plainDevice } from "../device-infos.js";

const plain = new Chalk({ level: 0 });
const bus = new VirtualBus();
const hub = bus.attach(plainDevice()).info;
const counter = bus.attach(counterDevice()).info;
const mouse = bus.attach(plainDevice({ deviceClass: 0, strings: ["Acme", "mouse", "7"] })).info;
const speaker = infoOf(cmediaUsbSpeaker, { id: "1-1:4" });

const lines = (devices: readonly DeviceInfo[]) => listingText(listingOf(devices), plain).split("\n");

describe("listingOf", () => {
  it("tells of every isochronous endpoint in every alternate setting", () => {
    expect(listingOf([speaker])).toStrictEqual([
      {
        id: "1-1:4",
        vendorId: 0x0d8c,
        productId: 0x0001,
        product: "C-Media USB Speaker",
        speed: "full",
        endpoints: [
          {
            configuration: 1,
            interfaceNumber: 1,
            alternate: 1,
            endpoint: 0x06,
            direction: "out",
            usage: "data",
            frameLength: 192,
            frameDuration: 1000,
            bytesPerSecond: 192_000,
          },
        ],
      },
    ]);
  });

  it("leaves hubs out, unless there is nothing else", () => {
    const ids = (devices: readonly DeviceInfo[]) => listingOf(devices).map(({ id }) => id);
    expect(ids([hub, counter, mouse])).toStrictEqual([counter.id, mouse.id]);
    expect(ids([hub])).toStrictEqual([hub.id]);
  });

  it("goes on where a descriptor is wrong, and says what is", () => {
    const [device] = listingOf([{ ...speaker, speed: "low" }]);
    expect(device?.endpoints).toHaveLength(1);
    expect(device?.endpoints[0]?.problem).toContain("low speed has no isochronous endpoints");
    expect(device?.endpoints[0]).not.toHaveProperty("frameLength");
  });
});

describe("listingText", () => {
  it("is a table", () => {
    expect(lines([hub, counter, mouse, speaker])).toStrictEqual([
      "  endpoint  interface  alternate  bytes/frame  interval     at most",
      "virtual-2  1209:0001  high speed  rx-isoch counter, serial number 0001",
      "  IN  0x81          0          1        3,072    125 µs  24.58 MB/s",
      "  OUT 0x01          0          2        3,072    125 µs  24.58 MB/s",
      "  IN  0x81          0          3        1,024    125 µs   8.19 MB/s",
      "  OUT 0x01          0          3        1,024    125 µs   8.19 MB/s",
      "virtual-3  1d6b:0002  high speed  Acme mouse, serial number 7",
      "  no isochronous endpoints",
      "1-1:4  0d8c:0001  full speed  C-Media USB Speaker",
      "  OUT 0x06          1          1          192      1 ms   0.19 MB/s",
    ]);
  });

  it("marks feedback endpoints, further configurations, and what is wrong", () => {
    const interfaceBox = infoOf(focusriteScarlett2i2, { id: "1-1:5" });
    expect(lines([interfaceBox]).filter((line) => line.endsWith("  feedback"))).not.toHaveLength(0);
    const [configuration] = speaker.configurations;
    if (configuration === undefined) throw new Error("there is no configuration");
    const twofold = { ...speaker, configurations: [configuration, { ...configuration, value: 2 }] };
    expect(lines([twofold]).slice(-2)).toStrictEqual([
      "  OUT 0x06          1          1          192      1 ms  0.19 MB/s  configuration 1",
      "  OUT 0x06          1          1          192      1 ms  0.19 MB/s  configuration 2",
    ]);
    expect(lines([{ ...speaker, speed: "low" }]).at(-1)).toMatch(/^ {2}OUT 0x06 +1 +1 +\? +\? +\? {2}low speed has no/);
  });

  it("says that there is nothing", () => {
    expect(lines([])).toStrictEqual([
      "There are no USB devices here, or the system does not show them to this program.",
    ]);
    expect(lines([hub])).toStrictEqual([
      "virtual-1  1d6b:0002  high speed  rx-isoch hub, serial number h1",
      "  no isochronous endpoints",
      "",
      "None of them has an isochronous endpoint.",
    ]);
  });

  it("passes no control characters of a device on to the terminal", () => {
    const hostile = { ...speaker, product: "\u001b[2Jspeaker\n", serialNumber: "\u202e7" };
    expect(lines([hostile])[1]).toBe("1-1:4  0d8c:0001  full speed  ?[2Jspeaker?, serial number ?7");
  });
});
