import { describe, expect, it } from "vitest";
import { alternateOf } from "../../../src/alternates.js";
import { unplugged } from "../../../src/device-errors.js";
import { parseConfigurationDescriptor, serviceInterval } from "../../../src/index.js";
import { Bandwidth } from "../../../transports/virtual/bandwidth.js";
import { Completions } from "../../../transports/virtual/completions.js";
import { VirtualEndpoint } from "../../../transports/virtual/endpoint.js";
import { BusEngine } from "../../../transports/virtual/engine.js";
import { EndpointFaults } from "../../../transports/virtual/faults.js";
import { VirtualBus } from "../../../transports/virtual/index.js";
import { SelectedAlternates } from "../../../transports/virtual/selected-alternates.js";
import { ManualClock } from "../../support/manual-clock.js";
import { scriptedDevice } from "../../support/scripted-device.js";

/** Most of a full-speed frame, so that two of them do not fit. */
const maxPacketSize = 900;

function lab(bandwidth = new Bandwidth(), alternateSelected?: () => void) {
  const engine = new BusEngine(new ManualClock());
  const completions = new Completions(engine, { submitted: 0, completed: 0 });
  const model = scriptedDevice({
    interfaces: [[{ address: 0x81, maxPacketSize }], [{ address: 0x02, maxPacketSize: 0 }]],
    ...(alternateSelected && { alternateSelected }),
  });
  const configuration = parseConfigurationDescriptor(model.configurationDescriptor);
  const alternates = new SelectedAlternates({
    id: "device-1",
    model,
    configuration,
    engine,
    bandwidth,
    faultsAt: () => new EndpointFaults(),
    createEndpoint: (descriptor) => {
      const endpoint = model.endpoint(descriptor.address);
      if (endpoint === undefined) throw new Error("there is none");
      return new VirtualEndpoint({
        engine,
        completions,
        capabilities: new VirtualBus().capabilities,
        tellFirstFrame: true,
        model: endpoint,
        faults: new EndpointFaults(),
        frameDuration: serviceInterval(descriptor, model.speed),
        asapDelay: 0,
        allocateDma: () => {
          throw new Error("nobody asks for it");
        },
      });
    },
  });
  const select = (interfaceNumber: number, setting: number) => {
    alternates.select(alternateOf(configuration, interfaceNumber, setting, "device-1"));
  };
  const settings = () => [0, 1].map((interfaceNumber) => alternates.settingOf(interfaceNumber));
  return { alternates, bandwidth, select, settings };
}

describe("SelectedAlternates", () => {
  it("begins with alternate setting 0, and has the endpoints of what is selected", () => {
    const { alternates, select, settings } = lab();
    expect(settings()).toStrictEqual([0, 0]);
    select(0, 1);
    select(1, 1);
    expect([0x81, 0x02, 0x83].map((address) => alternates.interfaceWith(address))).toStrictEqual([0, 1, undefined]);
    const endpoint = alternates.endpoint(0x81);
    select(0, 1);
    expect(alternates.endpoint(0x81)).not.toBe(endpoint);
    alternates.selectFirst();
    expect(settings()).toStrictEqual([0, 0]);
    expect(alternates.endpoint(0x81)).toBeUndefined();
  });

  it("has the bandwidth of what is selected, until the device is gone", () => {
    const { alternates, bandwidth, select, settings } = lab();
    const reserve = () => {
      bandwidth.reserve("somebody", alternateOfFull(), "full");
    };
    select(0, 1);
    expect(reserve).toThrow(expect.objectContaining({ code: "bandwidth-exceeded" }));
    alternates.shut(unplugged("device-1"));
    reserve();
    expect(() => {
      select(0, 1);
    }).toThrow(expect.objectContaining({ code: "bandwidth-exceeded" }));
    expect(settings()).toStrictEqual([1, 0]);
  });

  it("goes back to alternate setting 0, and gives the bandwidth back, where the model refuses", () => {
    const { bandwidth, select, settings } = lab(new Bandwidth(), () => {
      throw new Error("not today");
    });
    expect(() => {
      select(0, 1);
    }).toThrow(expect.objectContaining({ code: "transport-failed" }));
    expect(settings()).toStrictEqual([0, 0]);
    bandwidth.reserve("somebody", alternateOfFull(), "full");
  });
});

function alternateOfFull() {
  const { configurationDescriptor } = scriptedDevice({ interfaces: [[{ address: 0x81, maxPacketSize }]] });
  return alternateOf(parseConfigurationDescriptor(configurationDescriptor), 0, 1, "device-2");
}
