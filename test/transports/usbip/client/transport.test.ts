import { concatMap, firstValueFrom, lastValueFrom, map, Observable, take, toArray } from "rxjs";
import { describe, expect, it, onTestFinished } from "vitest";
import { isochPipe, IsochError, type DeviceEvent } from "rx-isoch";
import { usbip, UsbipServer, type ByteStream } from "rx-isoch/transports/usbip";
import {
  counterDevice,
  counterProtocol,
  realTimeClock,
  VirtualBus,
  type VirtualDevice,
} from "rx-isoch/transports/virtual";
import { done } from "../../../support/raw-port.js";
import { memoryStreams } from "../memory-stream.js";
import { listed } from "./scripted-server.js";
import { arrival, codeOf, scripted, until } from "./setup.js";

const { vendorId, productId, inEndpoint } = counterProtocol;

/** A client of our own server. */
function served(...devices: readonly VirtualDevice[]) {
  const bus = new VirtualBus({ devices, clock: realTimeClock() });
  const server = new UsbipServer({ transports: [bus] });
  let connections = 0;
  const connect = new Observable<ByteStream>((subscriber) => {
    connections++;
    const [near, far] = memoryStreams();
    server.accept(far).subscribe({ error: () => undefined });
    subscriber.next(near);
    subscriber.complete();
  });
  onTestFinished(async () => {
    await until(() => server.clients === 0);
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
    await done(server.close());
  });
  return { bus, server, connect, transport: usbip({ connect }), connections: () => connections };
}

function follow(devices: Observable<DeviceEvent>): string[] {
  const events: string[] = [];
  const subscription = devices.subscribe({
    next: ({ type, device }) => events.push(`${type} ${device.id}`),
    error: (error: unknown) => events.push(IsochError.is(error) ? error.code : String(error)),
  });
  onTestFinished(() => {
    subscription.unsubscribe();
  });
  return events;
}

describe("the list", () => {
  it("tells of a device what the protocol does, and its bus id as its id", async () => {
    const { transport } = served(counterDevice({ speed: "full" }));
    const { type, device } = await firstValueFrom(transport.devices());
    expect(type).toBe("attach");
    expect(device).toMatchObject({ id: "1-1", speed: "full", configurations: [] });
    expect(device.serialNumber).toBeUndefined();
    expect(device.descriptor).toMatchObject({ vendorId, productId, configurationCount: 1, usbVersion: 0 });
  });

  it("is looked at while somebody is subscribed, and no longer", async () => {
    const { server, transport } = scripted();
    const subscription = transport.devices().subscribe();
    await until(() => server.peers.length > 3);
    subscription.unsubscribe();
    const { length } = server.peers;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(server.peers).toHaveLength(length);
    await until(() => server.peers.every(({ isClosed }) => isClosed));
  });

  it("tells of what comes and goes, and of a device that was replaced between two looks", async () => {
    const { server, transport } = scripted();
    const events = follow(transport.devices());
    await until(() => events.length === 1);
    server.devices = [listed(1), listed(2)];
    await until(() => events.length === 2);
    server.devices = [listed(2, { deviceNumber: 9 })];
    await until(() => events.length === 5);
    server.devices = [];
    await until(() => events.length === 6);
    expect(events).toStrictEqual(["attach 1-1", "attach 1-2", "detach 1-1", "detach 1-2", "attach 1-2", "detach 1-2"]);
  });

  it("may leave out what this program has imported: that is no detach", async () => {
    const { server, transport } = scripted();
    const events = follow(transport.devices());
    await until(() => events.length === 1);
    const device = await firstValueFrom(transport.open({ vendorId }));
    server.devices = [];
    const { length } = server.peers;
    await until(() => server.peers.length > length + 3);
    expect(events).toStrictEqual(["attach 1-1"]);
    const again = await firstValueFrom(transport.open({ vendorId }));
    await done(again.close());
    await done(device.close());
  });

  it("may leave it out from the moment it is asked for until it is given back: no detach either", async () => {
    const { server, transport } = scripted();
    const events = follow(transport.devices());
    await until(() => events.length === 1);
    const looks = async () => {
      const { length } = server.lists;
      await until(() => server.lists.length > length + 3);
    };
    const unanswered: (() => void)[] = [];
    server.onCommand = (peer, command) => {
      unanswered.push(() => {
        server.command(peer, command);
      });
      return true;
    };
    server.onOperation = (peer, request) => {
      if (request.type === "import-request") {
        peer.send({ type: "import-reply", status: 0, device: listed(1) });
        server.devices = [];
        return true;
      }
      return false;
    };
    const opening = firstValueFrom(transport.open({ vendorId }));
    await until(() => unanswered.length > 0);
    await looks();
    server.onCommand = () => false;
    for (const answer of unanswered) answer();
    const device = await opening;
    await looks();
    await done(device.close());
    await looks();
    server.devices = [listed(1)];
    await looks();
    expect(events).toStrictEqual(["attach 1-1"]);
  });

  it("has what this program has open, though the server leaves it out", async () => {
    const { server, transport } = scripted();
    const device = await firstValueFrom(transport.open({ vendorId }));
    server.devices = [listed(2)];
    const events = await lastValueFrom(transport.devices().pipe(take(2), toArray()));
    expect(events.map(({ type, device: { id } }) => `${type} ${id}`)).toStrictEqual(["attach 1-2", "attach 1-1"]);
    expect(events[1]?.device).toBe(device.info);
    await done(device.close());
  });

  it("with a device twice tells of it once", async () => {
    const { server, transport } = scripted();
    server.devices = [listed(1), listed(1)];
    const events = follow(transport.devices());
    await until(() => server.peers.length > 3);
    expect(events).toStrictEqual(["attach 1-1"]);
  });

  it("that cannot be had any more ends the stream, which can be subscribed to again", async () => {
    const { server, transport } = scripted({ timeout: 20 });
    const events = follow(transport.devices());
    await until(() => events.length === 1);
    server.onOperation = () => true;
    await until(() => events.length === 2);
    expect(events[1]).toBe("transport-failed");
    server.onOperation = () => false;
    expect((await firstValueFrom(transport.devices())).device.id).toBe("1-1");
  });

  it("has a speed that nobody knows: taken for the commonest", async () => {
    const { server, transport } = scripted();
    server.devices = [listed(1, { speed: undefined })];
    expect((await firstValueFrom(transport.devices())).device.speed).toBe("high");
  });
});

describe("opening", () => {
  it("reads descriptors and strings", async () => {
    const { transport } = served(counterDevice({ serialNumber: "0042" }));
    const device = await firstValueFrom(transport.open({ id: "1-1" }));
    expect(device.info).toMatchObject({
      id: "1-1",
      speed: "high",
      manufacturer: "rx-isoch",
      product: "counter",
      serialNumber: "0042",
      descriptor: { usbVersion: 0x0200, maxPacketSize0: 64, vendorId, productId },
    });
    expect(device.info.configurations).toHaveLength(1);
    expect(device.configuration).toBe(device.info.configurations[0]);
    await done(device.close());
  });

  it("finds a serial number by looking, and gives back what is not meant", async () => {
    const { transport, server } = served(
      counterDevice({ serialNumber: "a" }),
      counterDevice({ serialNumber: "b" }),
      counterDevice({ serialNumber: "c" }),
    );
    const device = await firstValueFrom(transport.open({ vendorId, serialNumber: "c" }));
    expect(device.info.id).toBe("1-3");
    await until(() => server.clients === 1);
    expect(server.exports.map(({ isImported }) => isImported)).toStrictEqual([false, false, true]);
    await done(device.close());
    expect(await codeOf(transport.open({ vendorId, serialNumber: "d" }))).toBe("no-such-device");
  });

  it("passes over what another client has, and says so if that may have been meant", async () => {
    const { transport, connect } = served(counterDevice(), counterDevice({ serialNumber: "0002" }));
    const first = await firstValueFrom(usbip({ connect }).open({ id: "1-1" }));
    const second = await firstValueFrom(transport.open({ vendorId }));
    expect(second.info.id).toBe("1-2");
    expect(await codeOf(transport.open({ id: "1-1" }))).toBe("interface-busy");
    expect(await codeOf(transport.open({ vendorId, serialNumber: "0001" }))).toBe("interface-busy");
    await done(first.close());
    await done(second.close());
    const again = await firstValueFrom(transport.open({ id: "1-1" }));
    await done(again.close());
  });

  it("the same device again shares the connection, until the last is closed", async () => {
    const { transport, server, connections } = served(counterDevice());
    const devices = await Promise.all([0, 1].map(() => firstValueFrom(transport.open({ id: "1-1" }))));
    const third = await firstValueFrom(transport.open({ vendorId, serialNumber: "0001" }));
    await arrival();
    expect(server.clients).toBe(1);
    expect(connections()).toBe(3);
    for (const device of devices) await done(device.close());
    expect(server.exports[0]?.isImported).toBe(true);
    await done(third.claimInterface(0));
    await done(third.close());
    await until(() => server.clients === 0);
  });

  it.each([0, 1, 2, 3, 4, 6, 8, 12])("given up by one after %d turns does not keep another from it", async (turns) => {
    const { transport } = served(counterDevice());
    const given = transport
      .open({ id: "1-1" })
      .pipe(concatMap((device) => device.close()))
      .subscribe();
    const opening = firstValueFrom(transport.open({ id: "1-1" }));
    for (let i = 0; i < turns; i++) await Promise.resolve();
    given.unsubscribe();
    const device = await opening;
    await done(device.claimInterface(0));
    await done(device.close());
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 8, 12])("given up after %d turns leaves nothing behind", async (turns) => {
    const { transport, server } = served(counterDevice());
    const opening = transport
      .open({ id: "1-1" })
      .pipe(concatMap((device) => device.close()))
      .subscribe();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    opening.unsubscribe();
    await until(() => server.clients === 0);
  });

  it.each(["leaves it out", "says that it is busy"])(
    "what was just given back waits for a server that has to reset it first, and meanwhile %s",
    async (what) => {
      const { server, transport } = scripted();
      const device = await firstValueFrom(transport.open({ vendorId }));
      const [entry = raise()] = server.devices;
      let refusals = 0;
      server.onOperation = (peer, request) => {
        if (refusals === 3) return false;
        if (what === "leaves it out") {
          peer.send({ type: "device-list-reply", status: 0, devices: [] });
          refusals++;
        } else if (request.type === "import-request") {
          peer.send({ type: "import-reply", status: 2, device: undefined });
          refusals++;
        } else peer.send({ type: "device-list-reply", status: 0, devices: [entry] });
        return true;
      };
      await done(device.close());
      const again = await firstValueFrom(transport.open({ vendorId }));
      expect(refusals).toBe(3);
      await done(again.close());
    },
  );

  it("what was unplugged while it was open is not waited for", async () => {
    const { server, transport } = scripted();
    const device = await firstValueFrom(transport.open({ vendorId }));
    server.devices = [];
    server.peer.stream.destroy();
    await lastValueFrom(device.gone);
    await done(device.close());
    const { length } = server.lists;
    expect(await codeOf(transport.open({ vendorId }))).toBe("no-such-device");
    expect(server.lists).toHaveLength(length + 1);
  });

  it("what another has is not waited for", async () => {
    const { server, transport } = scripted();
    server.devices = [listed(1), listed(2)];
    await done((await firstValueFrom(transport.open({ id: "1-2" }))).close());
    server.onOperation = (peer, request) => {
      if (request.type === "import-request") peer.send({ type: "import-reply", status: 2, device: undefined });
      return request.type === "import-request";
    };
    const { length } = server.lists;
    expect(await codeOf(transport.open({ id: "1-1" }))).toBe("interface-busy");
    expect(server.lists).toHaveLength(length + 1);
  });

  it("a device that is not configured configures it", async () => {
    const { server, transport } = scripted();
    server.devices = [listed(1, { configurationValue: 0 })];
    const configured: number[] = [];
    server.onCommand = (_peer, command) => {
      if (command.type === "submit" && command.setup[1] === 9) configured.push(command.setup[2] ?? NaN);
      return false;
    };
    const device = await firstValueFrom(transport.open({ vendorId }));
    expect(configured).toStrictEqual([1]);
    expect(device.configuration.value).toBe(1);
    await done(device.close());
  });

  it("a device in a configuration that cannot be read: bad-descriptor", async () => {
    const { server, transport } = scripted();
    server.devices = [listed(1, { configurationValue: 7 })];
    expect(await codeOf(transport.open({ vendorId }))).toBe("bad-descriptor");
  });

  it("done, a control request for no data goes out as what it is: one without a data stage", async () => {
    const { server, transport } = scripted();
    const requests: string[] = [];
    server.onCommand = (_peer, command) => {
      if (command.type === "submit") requests.push(`${command.direction} ${command.length} ${command.setup[0] ?? 0}`);
      return false;
    };
    const device = await firstValueFrom(transport.open({ vendorId }));
    requests.length = 0;
    const setup = { direction: "in", type: "vendor", recipient: "device", request: 1, value: 0, index: 0 } as const;
    expect(await lastValueFrom(device.controlTransfer(setup, 0))).toStrictEqual(new Uint8Array(0));
    await done(device.controlTransfer(setup, 2));
    expect(requests).toStrictEqual(["out 0 192", "in 2 192"]);
    await done(device.close());
  });

  it("a device without strings has none", async () => {
    const { server, transport } = scripted();
    server.onCommand = (peer, command) => {
      if (command.type === "unlink" || command.setup[3] !== 3) return false;
      peer.reply(command, { status: -32, actualLength: 0, data: new Uint8Array(0) });
      return true;
    };
    const device = await firstValueFrom(transport.open({ vendorId }));
    expect(device.info).toMatchObject({ manufacturer: undefined, product: undefined, serialNumber: undefined });
    await done(device.close());
  });
});

describe("closing", () => {
  it("gives an interface back in alternate setting 0, though the program forgot it", async () => {
    const { server, transport } = scripted();
    const device = await firstValueFrom(transport.open({ vendorId }));
    await done(device.claimInterface(0));
    await done(device.selectAlternate(0, 1));
    const selections: number[] = [];
    server.onCommand = (_peer, command) => {
      if (command.type === "submit" && command.setup[1] === 11) selections.push(command.setup[2] ?? NaN);
      return false;
    };
    await done(device.close());
    await done(device.close());
    expect(selections).toStrictEqual([0]);
    expect(await codeOf(device.claimInterface(0))).toBe("pipe-closed");
    expect(await codeOf(() => device.openEndpoint(inEndpoint))).toBe("pipe-closed");
    await until(() => server.peer.isClosed);
  });

  it("with transfers in flight takes them back first", async () => {
    const { transport, bus } = served(counterDevice());
    const pipe = isochPipe(transport, { vendorId, endpoint: inEndpoint });
    const subscription = pipe.results({ frames: 64, queue: 8 }).subscribe();
    await until(() => bus.audit().inFlight > 0);
    subscription.unsubscribe();
    await done(pipe.closing);
    await until(() => bus.audit().openDevices === 0);
  });
});

describe("a server that is far away", () => {
  /** The same, each way some milliseconds later. */
  function delayed(stream: ByteStream, milliseconds: number): ByteStream {
    const later = (work: () => void): void => void setTimeout(work, milliseconds);
    return {
      open: (handler) => {
        stream.open({
          received: (bytes) => {
            const copy = bytes.slice();
            later(() => {
              handler.received(copy);
            });
          },
          ended: () => {
            later(() => {
              handler.ended();
            });
          },
          closed: (error) => {
            later(() => {
              handler.closed(error);
            });
          },
        });
      },
      write: (bytes, sent) => {
        later(() => {
          stream.write(bytes, sent);
        });
      },
      pause: () => {
        stream.pause();
      },
      resume: () => {
        stream.resume();
      },
      end: () => {
        later(() => {
          stream.end();
        });
      },
      destroy: () => {
        stream.destroy();
      },
    };
  }

  // Again where the machine was busy with something else: a defect fails each time.
  it(
    "streams at full rate and loses nothing, where as much is queued as the round trip lasts",
    { retry: 4 },
    async () => {
      const { connect } = served(counterDevice());
      const transport = usbip({ connect: connect.pipe(map((stream) => delayed(stream, 40))) });
      const pipe = isochPipe(transport, { vendorId, endpoint: inEndpoint, alternate: 1 });
      // Transfers of 4 ms, so that 20 would be on the way already.
      const stream = pipe.results({ frames: 32, queue: 80, ring: 300 });
      const results = await lastValueFrom(stream.pipe(take(200), toArray()));
      await done(pipe.closing);
      expect(results.map(({ lost }) => lost).filter((lost) => lost > 0)).toStrictEqual([]);
      expect(results.every(({ bytesTransferred }) => bytesTransferred === 32 * 3072)).toBe(true);
    },
  );
});

describe("what it cannot do", () => {
  it("says so: reset", async () => {
    const { transport } = served(counterDevice());
    const device = await firstValueFrom(transport.open({ vendorId }));
    expect(await codeOf(device.reset())).toBe("unsupported");
    await done(device.close());
  });

  it.each([0, -1, 1.5, NaN, 2 ** 31])("an interval or a time limit of %d", async (value) => {
    const connect = new Observable<ByteStream>();
    expect(await codeOf(() => usbip({ connect, interval: value }))).toBe("invalid-number");
    expect(await codeOf(() => usbip({ connect, timeout: value }))).toBe("invalid-number");
  });
});

describe("bandwidth", () => {
  it("that is not there: bandwidth-exceeded, and the interface can be used otherwise", async () => {
    const { transport } = served(counterDevice(), counterDevice(), counterDevice());
    const opened = await Promise.all(["1-1", "1-2", "1-3"].map((id) => firstValueFrom(transport.open({ id }))));
    const codes: string[] = [];
    for (const device of opened) {
      await done(device.claimInterface(0));
      codes.push(await codeOf(device.selectAlternate(0, 1)));
    }
    expect(codes).toContain("bandwidth-exceeded");
    for (const device of opened) await done(device.close());
    expect(await lastValueFrom(opened[0]?.gone.pipe(toArray()) ?? raise())).toStrictEqual([]);
  });
});

function raise(): never {
  throw new Error("it is not there");
}
