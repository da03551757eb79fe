import "zone.js";
// All of them once more, in an environment that zone.js has patched.
import "./each-run.test.js";
import "./isoch-stream.test.js";
import "./latest-signal.test.js";
import "./replug.test.js";
import { NgZone } from "@angular/core";
import { describe, expect, it } from "vitest";
import { isochStream, latestSignal } from "../../../src/angular/index.js";
import { isochPipe } from "../../../src/index.js";
import { throughput } from "../../../operators/index.js";
import { counterDevice, VirtualBus } from "../../../transports/virtual/index.js";
import { eventually } from "../../support/eventually.js";
import { expectClean } from "../../support/marble-lab.js";
import { testInjector } from "./test-injector.js";

describe("in an application with zone.js", () => {
  function application() {
    const zone = new NgZone({});
    let turns = 0;
    zone.onMicrotaskEmpty.subscribe(() => turns++);
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const { run, destroy } = testInjector({ provide: NgZone, useValue: zone });
    return { zone, bus, run, destroy, turns: () => turns };
  }

  it("a stream is no turn of the zone but for the click that starts it and the one that stops it", async () => {
    const { zone, bus, run, destroy, turns } = application();
    const pipe = isochPipe(bus, { vendorId: 0x1209, endpoint: 0x81 });
    const { stream, rates } = run(() => {
      const stream = isochStream(() => pipe, { stream: { frames: 8 } });
      return { stream, rates: latestSignal(stream.eachRun(throughput({ window: 30 }))) };
    });
    zone.run(() => {
      stream.start();
    });
    await eventually(() => {
      expect(rates()?.transfers).toBeGreaterThan(0);
      expect(stream.totals().frames).toBeGreaterThan(100);
    });
    expect(turns()).toBe(1);
    expect([zone.hasPendingMacrotasks, zone.hasPendingMicrotasks]).toStrictEqual([false, false]);
    zone.run(() => {
      stream.stop();
    });
    await eventually(() => {
      expect(stream.state()).toBe("idle");
    });
    expect(turns()).toBe(2);
    destroy();
    expectClean(bus);
  });

  it("the same pipe subscribed to in the zone, without isochStream, is one turn after the other", async () => {
    const { zone, bus, turns } = application();
    const subscription = zone.run(() => isochPipe(bus, { vendorId: 0x1209, endpoint: 0x81 }).results().subscribe());
    await eventually(() => {
      expect(turns()).toBeGreaterThan(10);
    });
    subscription.unsubscribe();
  });
});
