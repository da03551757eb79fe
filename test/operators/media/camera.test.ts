import { catchError, concat, map, merge, of, repeat, switchMap, take, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { camera, type CameraOptions, type CameraSession } from "../../../operators/media/index.js";
import type { VideoFrame } from "../../../src/class/uvc/index.js";
import { openDevice } from "../../../src/index.js";
import { marbleBus } from "../../../transports/virtual/testing/index.js";
import { expectClean } from "../../support/marble-lab.js";
import { marbles } from "../../support/marbles.js";
import { failure, plain, plainErrors, type PlainError } from "../../support/plain-error.js";
import {
  cameraIds,
  cameraEndpoint,
  pictureOf,
  ScriptedCamera,
  type CameraScript,
} from "../../support/scripted-camera.js";
import { slowTransport } from "../../support/slow-transport.js";
import { strictTransport } from "../../support/strict-transport.js";
import { scriptedDevice } from "../../support/scripted-device.js";
import type { TestScheduler } from "rxjs/testing";

const small = { format: "yuy2", width: 4, height: 2, stream: { frames: 3, queue: 2 } } as const;
const negotiation = ["alternate 0", "def probe", "set probe", "cur probe", "set commit"];

function laboratory(m: { readonly scheduler: TestScheduler; flush(): void }, script: CameraScript = {}) {
  const bus = marbleBus(m.scheduler);
  const device = new ScriptedCamera(script);
  const attachment = bus.attach(device);
  const transport = strictTransport(bus);
  const sessions: CameraSession[] = [];
  const stream = (options: CameraOptions = small) =>
    camera(transport, cameraIds, { ...options, started: (session) => sessions.push(session) });
  const finish = () => {
    m.flush();
    expectClean(bus, transport);
  };
  return { bus, device, attachment, transport, sessions, stream, finish };
}

/** A camera that tells this dwMaxVideoFrameSize. */
const sizes = (bytes: number): CameraScript => ({
  agrees: (fields) => {
    fields.setUint32(18, bytes, true);
  },
});

const firstByte = map(({ data, status }: VideoFrame) => `${data[0] ?? "-"} ${status}`);

/** What a stream that fails at once fails with. */
function errorOf(source: Observable<unknown>): PlainError | undefined {
  let caught: PlainError | undefined;
  source.subscribe({ error: (error: unknown) => (caught = plain(error)) });
  return caught;
}

describe("camera", () => {
  it(
    "negotiates, streams, and takes everything back",
    marbles((m) => {
      const { device, stream, sessions, finish } = laboratory(m);
      const subs = "        ^----------!";
      const expected = "    ---a--b--c-";

      m.expect(stream().pipe(firstByte), subs).toBeObservable(expected, {
        a: "0 complete",
        b: "1 complete",
        c: "2 complete",
      });
      expect(device.log).toStrictEqual([]);
      finish();
      expect(device.log).toStrictEqual([...negotiation, "alternate 2", "alternate 0"]);
      expect(sessions).toMatchObject([
        {
          video: {
            changes: [],
            interval: 333_333,
            maxFrameSize: 16,
            committed: { maxPayloadSize: 30, clockFrequency: 1_000_000 },
          },
          alternate: { alternate: 2, bytes: 32, payloadSize: 30, isEstimated: false, frameDuration: 1000 },
          statistics: { complete: 3, dropped: 0, lostFrames: 0 },
        },
      ]);
    }),
  );

  it(
    "ends what a program that crashed left streaming",
    marbles((m) => {
      const { stream, finish } = laboratory(m, { alternate: 2 });
      m.expect(stream().pipe(firstByte, take(1))).toBeObservable("---(a|)", { a: "0 complete" });
      finish();
    }),
  );

  it(
    "refuses a second one on a device without a word to the camera, and the first goes on",
    marbles((m) => {
      const { device, transport, finish } = laboratory(m);
      const opened = openDevice(transport, cameraIds);
      const subs = "        ^----------!";
      const expected = "    ---a--b--c-";
      const busy: unknown[] = [];
      const first = opened.pipe(
        switchMap((each) => {
          m.scheduler.schedule(() => busy.push(errorOf(camera(each, {}, small))), 5);
          return camera(each, {}, small);
        }),
        firstByte,
      );
      m.expect(first, subs).toBeObservable(expected, { a: "0 complete", b: "1 complete", c: "2 complete" });
      finish();
      expect(busy).toStrictEqual([failure("BusyError", "interface-busy", "has a stream already", "share()")]);
      expect(device.log).toStrictEqual([...negotiation, "alternate 2", "alternate 0"]);
    }),
  );

  it(
    "refuses the second of two that begin together on a device, and has it when the first has ended",
    marbles((m) => {
      const bus = marbleBus(m.scheduler);
      const device = new ScriptedCamera();
      bus.attach(device);
      const transport = strictTransport(slowTransport(bus, m.scheduler, { control: true }));
      const log: unknown[] = [];
      openDevice(transport, cameraIds)
        .pipe(
          switchMap((each) => {
            const pictures = camera(each, {}, small).pipe(firstByte, take(1));
            const second = pictures.pipe(catchError((error: unknown) => of(plain(error))));
            return concat(merge(pictures, second), pictures);
          }),
          take(3),
        )
        .subscribe((each) => log.push(each));
      m.flush();
      expect(log).toStrictEqual([
        failure("BusyError", "interface-busy", "has a stream already", "share()"),
        "0 complete",
        "0 complete",
      ]);
      expect(device.log).toStrictEqual([1, 2].flatMap(() => [...negotiation, "alternate 2", "alternate 0"]));
      expectClean(bus, transport);
    }),
  );

  it(
    "gives whole pictures",
    marbles((m) => {
      const { stream, finish } = laboratory(m);
      const frames: VideoFrame[] = [];
      stream()
        .pipe(take(2))
        .subscribe((frame) => frames.push(frame));
      finish();
      expect(frames.map(({ data }) => [...data])).toStrictEqual([pictureOf(0), pictureOf(1)]);
      expect(frames).toMatchObject([
        { format: "yuy2", width: 4, height: 2, firstFrame: 0, lastFrame: 1, sequence: 0, timestamp: 0 },
        { firstFrame: 3, lastFrame: 4, sequence: 1, timestamp: 3000 },
      ]);
    }),
  );

  it(
    "does nothing before the subscription, and can be subscribed to again",
    marbles((m) => {
      const { device, stream, finish } = laboratory(m);
      const source = stream();
      expect(device.log).toStrictEqual([]);
      const expected = "    ---a--(a|)";

      m.expect(source.pipe(firstByte, take(1), repeat(2))).toBeObservable(expected, { a: "0 complete" });
      finish();
      expect(device.log).toStrictEqual([1, 2].flatMap(() => [...negotiation, "alternate 2", "alternate 0"]));
    }),
  );

  it(
    "can be subscribed to again where it has just failed",
    marbles((m) => {
      const { stream, finish } = laboratory(m);
      const source = stream({ width: 5 }).pipe(catchError(() => stream()));
      m.expect(source.pipe(firstByte, take(1))).toBeObservable("---(a|)", { a: "0 complete" });
      finish();
    }),
  );

  it(
    "is closing when its error is heard",
    marbles((m) => {
      const { bus, stream, finish } = laboratory(m);
      let open: number | undefined;
      stream({ width: 5 }).subscribe({ error: () => (open = bus.audit().openDevices) });
      finish();
      expect(open).toBe(0);
    }),
  );

  it.each([
    [0x0100, 26],
    [0x0110, 34],
    [0x0150, 48],
  ])("speaks %i in controls of %i bytes", (version) => {
    marbles((m) => {
      const { stream, finish } = laboratory(m, { version });
      m.expect(stream().pipe(firstByte, take(1))).toBeObservable("---(a|)", { a: "0 complete" });
      finish();
    })();
  });

  it.each([
    ["1.5 that speaks 1.1", { version: 0x0150, answers: 34 }],
    ["1.1 that speaks 1.0", { version: 0x0110, answers: 26 }],
    ["one that answers two bytes, and takes all", { answers: 2, takes: 34 }],
    ["one that answers none, and takes all", { answers: 0, takes: 34 }],
    ["one without defaults", { refuses: ["def probe"] }],
    ["one that says that pictures are smaller than they are", sizes(15)],
    ["one that says that they have no bytes", sizes(0)],
    ["one that says that they have 4 GB", sizes(0xffff_ffff)],
  ])("tolerates %s", (_, script) => {
    marbles((m) => {
      const { stream, finish } = laboratory(m, script);
      m.expect(stream().pipe(firstByte, take(1))).toBeObservable("---(a|)", { a: "0 complete" });
      finish();
    })();
  });

  it(
    "tells what the camera changed, and streams that",
    marbles((m) => {
      const { stream, sessions, finish } = laboratory(m, {
        packet: (index) => [2, 0x82 | (index % 2), ...Array<number>(16).fill(7)],
        agrees: (fields) => {
          fields.setUint8(3, 1);
          fields.setUint32(4, 666_666, true);
        },
      });
      m.expect(
        stream({ ...small, width: 8, height: 4 }).pipe(
          map(({ width, height }) => `${width} × ${height}`),
          take(1),
        ),
      ).toBeObservable("---(a|)", { a: "4 × 2" });
      finish();
      expect(sessions[0]?.video.changes).toStrictEqual([
        { what: "size", asked: 2, got: 1 },
        { what: "interval", asked: 333_333, got: 666_666 },
      ]);
    }),
  );

  it.each(["set probe", "cur probe", "set commit"])("says what to do where the camera refuses '%s'", (refused) => {
    marbles((m) => {
      const { stream, device, finish } = laboratory(m, { refuses: [refused] });
      expect(errorOf(stream({ ...small, frameRate: 30 }))).toStrictEqual(
        failure("DeviceError", "control-stalled", "yuy2, 4 × 2", "30 frames per second", "smaller size"),
      );
      finish();
      expect(device.log).not.toContain("alternate 1");
    })();
  });

  it(
    "says what pictures there are where there is none as asked",
    marbles((m) => {
      const { stream, finish } = laboratory(m);
      expect(errorOf(stream({ width: 640, height: 480 }))).toStrictEqual(
        failure("InvalidRequestError", "invalid-option", "640 × 480", "yuy2, 4 × 2; yuy2, 8 × 4; mjpeg, 16 × 8"),
      );
      expect(errorOf(stream({ format: "nv12" }))).toStrictEqual(
        failure("InvalidRequestError", "invalid-option", "nv12"),
      );
      expect(errorOf(stream({ frameRate: 0 }))).toStrictEqual(
        failure("InvalidRequestError", "invalid-number", "frameRate"),
      );
      finish();
    }),
  );

  it(
    "says that a device is no camera",
    marbles((m) => {
      const bus = marbleBus(m.scheduler, { devices: [scriptedDevice({ interfaces: [[{ address: 0x81 }]] })] });
      expect(errorOf(camera(bus, {}))).toStrictEqual(
        failure("EndpointError", "no-such-endpoint", "no video", "USB Video Class"),
      );
      m.flush();
      expectClean(bus);
    }),
  );

  it(
    "says that no alternate setting carries the picture",
    marbles((m) => {
      const { stream, finish } = laboratory(m, { payloadSize: 65 });
      expect(errorOf(stream({ ...small, format: "mjpeg", width: 16, height: 8 }))).toStrictEqual(
        failure("BandwidthError", "bandwidth-exceeded", "65 bytes", "64", "smaller size"),
      );
      finish();
    }),
  );

  it(
    "gives what had arrived, then says that the camera is gone",
    marbles((m) => {
      const { stream, attachment, finish } = laboratory(m);
      attachment.inject({ type: "unplug", frame: 8 });
      const expected = "    ---a--b-(c#)";
      m.expect(stream().pipe(firstByte, plainErrors())).toBeObservable(
        expected,
        { a: "0 complete", b: "1 complete", c: "2 complete" },
        failure("DeviceError", "device-gone", "unplugged"),
      );
      finish();
    }),
  );

  it(
    "drops a picture with a packet that failed, or emits it as the policy says",
    marbles((m) => {
      const { stream, attachment, sessions, finish } = laboratory(m);
      attachment.inject({ type: "packet", endpoint: cameraEndpoint, frame: 3, status: "crc" });
      const expected = "    ---a-----(c|)";
      m.expect(stream().pipe(firstByte, take(2))).toBeObservable(expected, { a: "0 complete", c: "2 complete" });
      finish();
      expect(sessions[0]?.statistics).toMatchObject({ complete: 2, incomplete: 1, dropped: 1, failedPackets: 1 });
    }),
  );

  it(
    "leaves nothing behind, whenever it is unsubscribed from",
    marbles((m) => {
      const { stream, finish } = laboratory(m);
      for (let frame = 0; frame < 9; frame++) {
        m.scheduler.schedule(() => {
          const subscription = stream().subscribe();
          m.scheduler.schedule(() => {
            subscription.unsubscribe();
          }, frame);
        }, 20 * frame);
      }
      finish();
    }),
  );
});
