import {
  BehaviorSubject,
  catchError,
  concatMap,
  connectable,
  firstValueFrom,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  take,
  tap,
  toArray,
} from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { IsochError, isochPipe, openDevice, type IsochResults, type IsochTransport } from "rx-isoch";
import { close, issue } from "rx-isoch/operators";
import { recorded, replay, type CaptureSource, type ReplayOptions } from "rx-isoch/transports/replay";
import { counterDevice, counterProtocol, schedulerClock, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { joined } from "../../../src/joined.js";
import { eventually } from "../../support/eventually.js";
import { handMadeBlock, handMadeEvent, handMadePcap, transferAt, type HandMadeLayout } from "./hand-made.js";
import { comparable, record, recordWhile, results } from "./support.js";

const { inEndpoint, outEndpoint, getStatistics } = counterProtocol;

/** What a capture brings, to its end: frames with the first byte of each, and the code of the end. */
async function played(source: CaptureSource, options: ReplayOptions = {}, frames = 4) {
  const pipe = isochPipe(replay(source, { pace: "fast", ...options }), { endpoint: 0x81 });
  const all: IsochResults[] = [];
  let code = "no error";
  await new Promise<void>((resolve) => {
    pipe.results({ frames }).subscribe({
      next: (each) => all.push(each),
      error: (error: unknown) => {
        code = IsochError.is(error) ? error.code : String(error);
        resolve();
      },
    });
  });
  return {
    code,
    frames: all.flatMap((each) =>
      [...each].slice(0, each.served).map(({ frame, status, data }) => [frame, status, data[0]]),
    ),
    lost: all.map(({ lost }) => lost),
  };
}

function frames(first: number, count: number, shift = 0) {
  return Array.from({ length: count }, (_, i) => [first + i + shift, "ok", (first + i) & 0xff]);
}

const twoTransfers = (layout?: HandMadeLayout) => [
  ...transferAt(1, 0, 4, 100, {}, layout),
  ...transferAt(2, 4, 4, 104, {}, layout),
];

describe("captures of others", () => {
  for (const littleEndian of [true, false]) {
    for (const headerSize of [48, 64] as const) {
      for (const nanoseconds of [false, true]) {
        const name = `${littleEndian ? "little" : "big"} endian, ${headerSize} bytes of header, ${nanoseconds ? "ns" : "µs"}`;
        it(`pcap: ${name}`, async () => {
          const layout = { littleEndian, headerSize };
          const { code, frames: all } = await played(handMadePcap(twoTransfers(layout), layout, nanoseconds));
          // 48 bytes have no room for a start frame.
          expect(all).toStrictEqual(frames(0, 8, headerSize === 64 ? 100 : 0));
          expect(code).toBe("device-gone");
        });
      }
    }
  }

  it("pcapng: sections of either byte order, several interfaces, simple packets, and blocks that nobody knows", async () => {
    const section = (littleEndian: boolean) => {
      const body = new DataView(new ArrayBuffer(16));
      body.setUint32(0, 0x1a2b3c4d, littleEndian);
      body.setUint16(4, 1, littleEndian);
      return handMadeBlock(0x0a0d0d0a, new Uint8Array(body.buffer), littleEndian);
    };
    const link = (type: number, littleEndian: boolean, options: number[] = []) => {
      const body = new Uint8Array(8 + options.length);
      new DataView(body.buffer).setUint16(0, type, littleEndian);
      body.set(options, 8);
      return handMadeBlock(1, body, littleEndian);
    };
    const enhanced = (index: number, units: number, bytes: Uint8Array, littleEndian: boolean) => {
      const body = new Uint8Array(20 + bytes.length);
      const view = new DataView(body.buffer);
      view.setUint32(0, index, littleEndian);
      view.setUint32(4, Math.floor(units / 2 ** 32), littleEndian);
      view.setUint32(8, units % 2 ** 32, littleEndian);
      view.setUint32(12, bytes.length, littleEndian);
      view.setUint32(16, bytes.length, littleEndian);
      body.set(bytes, 20);
      return handMadeBlock(6, body, littleEndian);
    };
    const [s1, c1, s2, c2] = twoTransfers({ littleEndian: true });
    const [s3, c3] = transferAt(3, 8, 4, 108, {}, { littleEndian: false });
    if (s1 === undefined || c1 === undefined || s2 === undefined || c2 === undefined) throw new Error("no transfers");
    if (s3 === undefined || c3 === undefined) throw new Error("no transfers");
    const simple = (bytes: Uint8Array) => {
      const body = new Uint8Array(4 + bytes.length);
      new DataView(body.buffer).setUint32(0, bytes.length, true);
      body.set(bytes, 4);
      return handMadeBlock(3, body);
    };
    const bytes = joined([
      section(true),
      // Interface 0 first, which simple packets are of.
      link(220, true),
      link(1, true),
      // Milliseconds.
      link(220, true, [9, 0, 1, 0, 3, 0, 0, 0]),
      handMadeBlock(0xbad, new Uint8Array(40)),
      enhanced(1, 0, new Uint8Array(64), true),
      simple(s1.bytes),
      simple(c1.bytes),
      enhanced(2, Math.round(s2.time / 1000), s2.bytes, true),
      enhanced(2, Math.round(c2.time / 1000), c2.bytes, true),
      section(false),
      link(220, false),
      enhanced(0, s3.time, s3.bytes, false),
      enhanced(0, c3.time, c3.bytes, false),
    ]);
    expect((await played(bytes)).frames).toStrictEqual(frames(0, 12, 100));
    expect(await firstValueFrom(replay(bytes).summary())).toMatchObject({
      events: 6,
      skipped: 1,
      truncated: 0,
      rest: 0,
    });
  });

  it("a start frame that wraps, as host controllers count, and a loss longer than that", async () => {
    const packets = [1020, 1024, 1028, 1028 + 2 * 1024 + 4, 1028 + 2 * 1024 + 8].flatMap((at, i) =>
      transferAt(i, at, 4, at % 1024),
    );
    const { frames: all, lost } = await played(handMadePcap(packets));
    expect(all.map(([frame]) => frame)).toStrictEqual(
      [1020, 1024, 1028, 3080, 3084].flatMap((at) => [at, at + 1, at + 2, at + 3]),
    );
    expect(lost.reduce((sum, each) => sum + each, 0)).toBe(2 * 1024);
  });

  it("start frames that say nothing: frames from 0, and the loss from the times", async () => {
    const packets = [0, 4, 8, 112, 116].flatMap((at, i) => transferAt(i, at, 4, 0));
    const { frames: all, lost } = await played(handMadePcap(packets));
    expect(all.map(([frame]) => frame).slice(0, 12)).toStrictEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(all.map(([, , byte]) => byte)).toStrictEqual(
      frames(0, 12)
        .concat(frames(112, 8))
        .map(([, , byte]) => byte),
    );
    const total = lost.reduce((sum, each) => sum + each, 0);
    expect(Math.abs(total - 100)).toBeLessThanOrEqual(1);
  });

  it("what a snapshot length has cut off, and what Linux does not tell of, reads lost", async () => {
    const [s1, c1] = transferAt(1, 0, 4, 100);
    const [s2, c2] = transferAt(2, 4, 4, 104, { count: 6 });
    if (s1 === undefined || c1 === undefined || s2 === undefined || c2 === undefined) throw new Error("no transfers");
    const capture = handMadePcap([s1, { ...c1, kept: c1.bytes.length - 5 }, s2, c2]);
    const { frames: all } = await played(capture);
    expect(all.map(([frame, status]) => [frame, status])).toStrictEqual(
      ["ok", "ok", "lost", "lost", "ok", "ok", "ok", "ok", "lost", "lost"].map((status, i) => [100 + i, status]),
    );
    expect(await firstValueFrom(replay(capture).summary())).toMatchObject({ truncated: 1, rest: 0 });
  });

  it("a file that was cut short is replayed as far as it goes, and says so", async () => {
    const whole = handMadePcap(twoTransfers());
    const capture = whole.subarray(0, whole.length - 10);
    expect((await played(capture)).frames).toStrictEqual(frames(0, 4, 100));
    const { rest, endpoints } = await firstValueFrom(replay(capture).summary());
    expect(rest).toBeGreaterThan(0);
    expect(endpoints).toStrictEqual([{ id: "2.5", endpoint: 0x81, transfers: 1, packets: 4, isExact: true }]);
  });

  it("a transfer that was cut short: what had its turn, and no more", async () => {
    const packets = [0, 0, -18, -18].map((status, i) => [status, i * 4, status === 0 ? 1 : 0] as const);
    const capture = handMadePcap([...transferAt(1, 0, 4, 100, { packets, status: -2 }), ...transferAt(2, 4, 4, 104)]);
    const { frames: all, lost } = await played(capture);
    expect(all.map(([frame]) => frame)).toStrictEqual([100, 101, 104, 105, 106, 107]);
    expect(lost).toStrictEqual([0, 2]);
  });

  it("a device that nobody asked for its descriptors is made up, or described by the program", async () => {
    const capture = handMadePcap(twoTransfers());
    const { device } = await firstValueFrom(replay(capture).devices());
    expect(device).toMatchObject({ id: "2.5", speed: "full", descriptor: { vendorId: 0 } });
    const { deviceDescriptor, configurationDescriptor } = counterDevice({ speed: "full" });
    const known = replay(capture, { deviceDescriptor, configurationDescriptor });
    const opened = await firstValueFrom(known.open({ vendorId: counterProtocol.vendorId }));
    expect(opened.configuration.interfaces[0]?.alternates).toHaveLength(4);
  });

  it("an endpoint that sent nothing but empty packets can be sent them", async () => {
    const packets = [0, 0, 0, 0].map(() => [0, 0, 0] as const);
    const event = (type: "S" | "C", time: number) => ({
      time,
      bytes: handMadeEvent({ type, id: 1, endpoint: 0x02, time, packets }),
    });
    const played = replay(handMadePcap([event("S", 1000), event("C", 5000)]), { pace: "fast" });
    const pipe = isochPipe(played, { endpoint: 0x02 });
    const sent = await firstValueFrom(of({ lengths: 0, frames: 4 }).pipe(issue(pipe), close()));
    expect([sent.error, sent.served]).toStrictEqual(["ok", 4]);
  });

  it("what is no capture: protocol-error, and what to do", async () => {
    const code = (source: Uint8Array) =>
      firstValueFrom(
        replay(source)
          .devices()
          .pipe(
            map(() => "a device"),
            catchError((error: unknown) => of(IsochError.is(error) ? error.code : "?")),
          ),
      );
    expect(await code(new Uint8Array(100))).toBe("protocol-error");
    expect(await code(new Uint8Array(0))).toBe("protocol-error");
    expect(await code(handMadePcap([]))).toBe("protocol-error");
    const ethernet = handMadePcap(twoTransfers());
    new DataView(ethernet.buffer, ethernet.byteOffset).setUint32(20, 1, true);
    expect(await code(ethernet)).toBe("protocol-error");
  });
});

describe("sources", () => {
  const capture = handMadePcap(twoTransfers());
  const chunks = function* (size: number) {
    for (let at = 0; at < capture.length; at += size) yield capture.subarray(at, at + size);
  };

  it("of any kind bring the same", async () => {
    const all = (await played(capture)).frames;
    expect(all).toHaveLength(8);
    expect((await played(new Blob([Uint8Array.from(capture)]))).frames).toStrictEqual(all);
    expect((await played([capture])).frames).toStrictEqual(all);
    expect((await played(() => chunks(7))).frames).toStrictEqual(all);
    const slow = async function* () {
      for (const chunk of chunks(33)) {
        await Promise.resolve();
        yield chunk;
      }
    };
    expect((await played(() => slow())).frames).toStrictEqual(all);
  });

  it("that can be read once only are no capture for two readings: invalid-option", async () => {
    expect((await played(chunks(64))).code).toBe("invalid-option");
  });

  it("are let go by an unsubscribe while they are read through", async () => {
    let isClosed = false;
    const endless = async function* () {
      try {
        yield capture.subarray(0, 24);
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          yield capture.subarray(24);
        }
      } finally {
        isClosed = true;
      }
    };
    const reading = replay(() => endless())
      .summary()
      .subscribe();
    reading.unsubscribe();
    await eventually(() => {
      expect(isClosed).toBe(true);
    });
  });

  it("that cannot be opened again end the stream with what they failed with", async () => {
    let readings = 0;
    const source = () => {
      if (++readings > 1) throw new Error("the file is gone");
      return [capture];
    };
    expect(await played(source)).toMatchObject({ code: "transport-failed", frames: [] });
    readings = -1;
    expect(await played(source, { loop: true })).toMatchObject({ code: "transport-failed", frames: frames(0, 8, 100) });
  });

  it("that fail end the stream with what they failed with", async () => {
    let readings = 0;
    const failing = function* () {
      yield* chunks(64);
      if (++readings === 2) throw new Error("the disk is gone");
    };
    expect(await played(() => failing())).toMatchObject({ code: "transport-failed", frames: frames(0, 8, 100) });
  });
});

describe("the pace", () => {
  it("is the recorded one, of any scheduler", async () => {
    const capture = handMadePcap([...twoTransfers(), ...transferAt(3, 30, 4, 130)]);
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));
    scheduler.run(({ expectObservable }) => {
      const transport = replay(capture, { scheduler });
      const pipe = isochPipe(transport, { endpoint: 0x81 });
      const seen = pipe.results({ frames: 4 }).pipe(
        take(3),
        map(({ firstFrame, lost }) => `${firstFrame} ${lost}`),
      );
      // The first submission was half a millisecond before the first frame.
      expectObservable(seen).toBe("5ms a 3ms b 25ms (c|)", { a: "100 0", b: "104 0", c: "130 22" });
    });
    await Promise.resolve();
  });

  it("keeps two endpoints at the distance that they had", () => {
    const capture = handMadePcap([
      ...transferAt(1, 0, 4, 100),
      ...transferAt(2, 10, 4, 110, { endpoint: 0x82 }),
      ...transferAt(3, 20, 4, 120),
    ]);
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));
    scheduler.run(({ expectObservable }) => {
      const device = openDevice(replay(capture, { scheduler }), {});
      const frames = device.pipe(
        mergeMap((opened) =>
          merge(
            isochPipe(opened, { endpoint: 0x81 }).results({ frames: 4 }).pipe(take(2)),
            isochPipe(opened, { endpoint: 0x82 }).results({ frames: 4 }).pipe(take(1)),
          ),
        ),
        map(({ firstFrame }) => firstFrame),
        take(3),
      );
      expectObservable(frames).toBe("5ms a 9ms b 9ms (c|)", { a: 100, b: 110, c: 120 });
    });
  });

  it("fast: a long capture is over at once, and other work has its turn meanwhile", async () => {
    const transfers = Array.from({ length: 1000 }, (_, i) => transferAt(i, 4 * i, 4, 4 * i)).flat();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { frames: all } = await played(handMadePcap(transfers));
    clearInterval(timer);
    expect(all).toHaveLength(4000);
    expect(turns).toBeGreaterThan(0);
  });

  it.each(["error", "drop-oldest", "drop-newest"] as const)(
    "fast: waits for a consumer that pauses, and nothing overflows (%s)",
    async (overflow) => {
      const transfers = Array.from({ length: 100 }, (_, i) => transferAt(i, 4 * i, 4, 4 * i)).flat();
      const pipe = isochPipe(replay(handMadePcap(transfers), { pace: "fast" }), { endpoint: 0x81 });
      const pause = new Subject<boolean>();
      const seen: number[] = [];
      let lost = 0;
      const ended = lastValueFrom(
        pipe.results({ frames: 4, queue: 8, ring: 2, overflow, pause }).pipe(
          tap((each) => {
            seen.push(each.firstFrame);
            lost += each.lost;
            if (seen.length % 20 !== 1) return;
            pause.next(true);
            setTimeout(() => {
              pause.next(false);
            }, 20);
          }),
        ),
      );
      await expect(ended).rejects.toMatchObject({ code: "device-gone" });
      expect([seen, lost]).toStrictEqual([Array.from({ length: 100 }, (_, i) => 4 * i), 0]);
    },
  );

  it("fast: an unsubscribe of one that is paused closes, and it streams again", async () => {
    const transport = replay(handMadePcap(twoTransfers()), { pace: "fast", loop: true });
    const pipe = isochPipe(transport, { endpoint: 0x81 });
    const pause = new BehaviorSubject(true);
    const subscription = pipe.results({ frames: 4, ring: 1, pause }).subscribe();
    await new Promise((resolve) => setTimeout(resolve, 20));
    subscription.unsubscribe();
    await lastValueFrom(pipe.closing, { defaultValue: undefined });
    const all = await lastValueFrom(pipe.results({ frames: 4 }).pipe(take(4), toArray()));
    expect(all.map(({ firstFrame }) => firstFrame)).toStrictEqual([100, 104, 108, 112]);
  });

  it("loop: begins anew with the frame after the last, and loses nothing", async () => {
    const transport = replay(handMadePcap(twoTransfers()), { pace: "fast", loop: true });
    const all = await lastValueFrom(results(transport, 0x81, 6, { frames: 4 }).pipe(toArray()));
    expect(all.map(({ firstFrame, lost, data }) => [firstFrame, lost, data[0]])).toStrictEqual(
      [0, 1, 2, 3, 4, 5].map((i) => [100 + 4 * i, 0, (i % 2) * 4]),
    );
  });
});

describe("transfers of other lengths than were recorded", () => {
  for (const frames of [1, 3, 5, 64]) {
    it(`of ${frames} frames bring the same frames`, async () => {
      const capture = handMadePcap([...twoTransfers(), ...transferAt(3, 10, 4, 110)]);
      const { frames: all, lost } = await played(capture, {}, frames);
      expect(all.map(([frame]) => frame)).toStrictEqual([100, 101, 102, 103, 104, 105, 106, 107, 110, 111, 112, 113]);
      expect(lost.reduce((sum, each) => sum + each, 0)).toBe(2);
    });
  }
});

describe("OUT and control", () => {
  it("OUT completes as it did, whatever is sent", async () => {
    const bus = new VirtualBus({ clock: unpacedClock() });
    bus
      .attach(counterDevice())
      .inject({ type: "packet", endpoint: outEndpoint, frame: 5, status: "buffer-underrun", actual: 3 });
    const send = (transport: IsochTransport) =>
      of(
        { lengths: 64, frames: 8, buffer: new Uint8Array(512) },
        { lengths: 64, frames: 8, buffer: new Uint8Array(512) },
      ).pipe(issue(isochPipe(transport, { endpoint: outEndpoint, alternate: 2 })), close());
    const { bytes, values } = await recordWhile(bus, send);
    const again = await lastValueFrom(send(replay(bytes, { pace: "fast" })).pipe(toArray()));
    expect(comparable(again)).toStrictEqual(comparable(values));
    expect(again.some(({ error }) => error === "isoch")).toBe(true);
  });

  it("requests are answered as they were, in order, and others refused", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const ask = (transport: IsochTransport, request: number) =>
      openDevice(transport, {}).pipe(
        concatMap((device) =>
          device.controlTransfer(
            { direction: "in", type: "vendor", recipient: "device", request, value: 0, index: 0 },
            12,
          ),
        ),
        take(1),
        map((bytes) => bytes.length),
        catchError((error: unknown) => of(IsochError.is(error) ? error.code : "?")),
      );
    const { bytes } = await recordWhile(bus, (transport) => ask(transport, getStatistics));
    expect(await firstValueFrom(ask(replay(bytes), getStatistics))).toBe(12);
    expect(await firstValueFrom(ask(replay(bytes), 99))).toBe("control-stalled");
    const setup = [0xc0, 7, 0, 0, 0, 0, 4, 0];
    const requests = [1, 2].flatMap((id) => {
      const common = { id, transferType: 2, endpoint: 0x80, time: id };
      return [
        { time: id, bytes: handMadeEvent({ ...common, type: "S", setup }) },
        { time: id, bytes: handMadeEvent({ ...common, type: "C", data: Uint8Array.of(id) }) },
      ];
    });
    const answers = handMadePcap([...requests, ...twoTransfers()]);
    const device = await firstValueFrom(replay(answers).open({}));
    const next = () =>
      firstValueFrom(
        device.controlTransfer(
          { direction: "in", type: "vendor", recipient: "device", request: 7, value: 0, index: 0 },
          4,
        ),
      );
    expect([await next(), await next(), await next()].map(([byte]) => byte)).toStrictEqual([1, 2, 2]);
  });
});

describe("control transfers that are too many", () => {
  const request = (id: number, setup: readonly number[], data: Uint8Array, type = "C" as const) => {
    const common = { id, transferType: 2, endpoint: 0x80, time: id };
    return [
      { time: id, bytes: handMadeEvent({ ...common, type: "S", setup }) },
      { time: id, bytes: handMadeEvent({ ...common, type, data }) },
    ];
  };

  it("are forgotten, and counted", async () => {
    const large = new Uint8Array(60_000);
    const all = Array.from({ length: 300 }, (_, id) => request(id, [0xc0, 7, 0, 0, 0, 0, 0x60, 0xea], large)).flat();
    const summary = await firstValueFrom(replay(handMadePcap([...all, ...twoTransfers()])).summary());
    expect(summary.forgotten).toBe(300 - Math.floor(2 ** 24 / 60_000));
    expect((await firstValueFrom(replay(handMadePcap(twoTransfers())).summary())).forgotten).toBe(0);
  });
});

describe("recorded", () => {
  it("a capture that begins later has the descriptors of what is open, and what comes from then on", async () => {
    const transport = recorded(new VirtualBus({ devices: [counterDevice()], clock: unpacedClock() }));
    const chunks: Uint8Array[] = [];
    let expected: IsochResults | undefined;
    const capture = connectable(transport.capture.pipe(tap((chunk) => chunks.push(chunk))));
    await new Promise<void>((resolve) => {
      const stream = isochPipe(transport, { endpoint: inEndpoint }).results({ frames: 4 });
      let count = 0;
      const subscription = stream.subscribe((each) => {
        if (++count === 3) capture.connect();
        if (count === 8) expected = each;
        if (count < 10) return;
        subscription.unsubscribe();
        resolve();
      });
    });
    const again = replay(joined(chunks), { pace: "fast" });
    const event = await firstValueFrom(again.devices());
    expect(event.device).toMatchObject({ speed: "high", serialNumber: "0001", product: "counter" });
    const all = await lastValueFrom(results(again, inEndpoint, 6, { frames: 4 }).pipe(toArray()));
    const same = all.find(({ firstFrame }) => firstFrame === expected?.firstFrame);
    expect(same?.data).toStrictEqual(expected?.data);
  });

  it("is the virtual bus's marbles again", () => {
    const scheduler = new TestScheduler((actual, wanted) => expect(actual).toStrictEqual(wanted));
    scheduler.run(({ expectObservable, flush }) => {
      const bus = new VirtualBus({ clock: schedulerClock(scheduler), devices: [counterDevice({ speed: "full" })] });
      const transport = recorded(bus);
      const chunks: Uint8Array[] = [];
      transport.capture.subscribe((chunk) => chunks.push(chunk));
      const first = (each: IsochTransport) =>
        results(each, inEndpoint, 3, { frames: 2, queue: 2 }).pipe(map(({ firstFrame }) => firstFrame));
      const values = { a: 2, b: 4, c: 6 };
      expectObservable(first(transport)).toBe("4ms a-b-(c|)", values);
      flush();
      // Eight milliseconds later.
      expectObservable(first(replay(joined(chunks), { scheduler }))).toBe("12ms a-b-(c|)", values);
    });
  });

  it("the results are those of the transport itself", async () => {
    const make = () => new VirtualBus({ devices: [counterDevice()], clock: unpacedClock() });
    const plain = await lastValueFrom(results(make(), inEndpoint, 10, { frames: 8 }).pipe(toArray()));
    const { results: same } = await record(make(), inEndpoint, 10, { frames: 8 });
    expect(comparable(same)).toStrictEqual(comparable(plain));
  });
});
