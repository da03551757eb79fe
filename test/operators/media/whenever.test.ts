import { NEVER, of, type Observable, type Subscription } from "rxjs";
import { describe, expect, it } from "vitest";
import { camera, microphone, speaker } from "../../../operators/media/index.js";
import { openDevice, type IsochTransport, type UsbDevice } from "../../../src/index.js";
import { microphoneDevice, speakerDevice, type VirtualDevice } from "../../../transports/virtual/index.js";
import { marbleBus } from "../../../transports/virtual/testing/index.js";
import { AudioDevice, countingSamples, type AudioDeviceOptions } from "../../support/audio-device.js";
import { expectClean } from "../../support/marble-lab.js";
import { marbles } from "../../support/marbles.js";
import { plain } from "../../support/plain-error.js";
import { ScriptedCamera } from "../../support/scripted-camera.js";
import { slowTransport } from "../../support/slow-transport.js";
import { strictTransport } from "../../support/strict-transport.js";

type Source = IsochTransport | UsbDevice;

interface Case {
  readonly make: () => VirtualDevice;
  readonly stream: (source: Source) => Observable<unknown>;
}

const listen = (source: Source) => microphone(source, {}, { stream: { frames: 2, queue: 2 } });
const play = (source: Source) => of(countingSamples(480_000)).pipe(speaker(source, {}, { latency: 2 }));
const audio = (options: AudioDeviceOptions) => () => new AudioDevice(options);

const cases: Readonly<Record<string, Case>> = {
  camera: {
    make: () => new ScriptedCamera(),
    stream: (source) => camera(source, {}, { format: "yuy2", width: 4, stream: { frames: 3, queue: 2 } }),
  },
  "microphone of UAC 1.0": { make: audio({ speed: "full", feedback: "none" }), stream: listen },
  "microphone of UAC 2.0": {
    make: () => microphoneDevice({ uacVersion: 2, sampleRates: [44_100, 48_000] }),
    stream: listen,
  },
  "microphone of UAC 2.0 on an external clock": {
    make: () => microphoneDevice({ uacVersion: 2, externalClock: true }),
    stream: listen,
  },
  "speaker with explicit feedback": { make: audio({ speed: "full", feedback: "explicit" }), stream: play },
  "speaker with implicit feedback": {
    make: () => speakerDevice({ uacVersion: 2, feedback: "implicit", sampleRates: [44_100, 48_000] }),
    stream: play,
  },
};
const names = Object.keys(cases);

/** Longer than any of them takes to begin, when every step, a control request too, takes a frame. */
const moments = Array.from({ length: 24 }, (_, frame) => frame);

function laboratory(m: Parameters<Parameters<typeof marbles>[0]>[0], name: string, control = true) {
  const { make, stream } = cases[name] ?? { make: () => new ScriptedCamera(), stream: () => of() };
  const bus = marbleBus(m.scheduler);
  const attachment = bus.attach(make());
  const transport = strictTransport(slowTransport(bus, m.scheduler, { control }));
  const finish = () => {
    m.flush();
    expectClean(bus, transport);
  };
  return { bus, attachment, transport, stream, finish };
}

describe.each(names)("%s, whenever", (name) => {
  it("it is unsubscribed from: it leaves nothing behind, and can be subscribed to at once", () => {
    for (const frame of moments) {
      marbles((m) => {
        const { transport, stream, finish } = laboratory(m, name);
        let again = 0;
        const first = stream(transport).subscribe();
        m.scheduler.schedule(() => {
          first.unsubscribe();
          const second = stream(transport).subscribe(() => {
            again++;
            second.unsubscribe();
          });
        }, frame);
        finish();
        expect(again).toBe(1);
      })();
    }
  });

  it("it is unsubscribed from on a device that stays open: it can be subscribed to at once", () => {
    // Where control requests take no time, only waiting keeps them out of what is closing.
    for (const frame of moments) {
      marbles((m) => {
        const { transport, stream, finish } = laboratory(m, name, false);
        let again = 0;
        let device: UsbDevice | undefined;
        let first: Subscription | undefined;
        const streamOn = () => (device === undefined ? NEVER : stream(device));
        const opened = openDevice(transport, {}).subscribe((each) => (device = each));
        m.scheduler.schedule(() => {
          first = streamOn().subscribe();
        }, 2);
        m.scheduler.schedule(() => {
          first?.unsubscribe();
          const second = streamOn().subscribe(() => {
            again++;
            second.unsubscribe();
            opened.unsubscribe();
          });
        }, 2 + frame);
        finish();
        expect(again).toBe(1);
      })();
    }
  });

  it("its device is unplugged: it says so, and leaves nothing behind", () => {
    for (const frame of moments) {
      marbles((m) => {
        const { attachment, transport, stream, finish } = laboratory(m, name);
        let error: unknown;
        stream(transport).subscribe({ error: (reason: unknown) => (error = plain(reason)) });
        m.scheduler.schedule(() => {
          attachment.detach();
        }, frame);
        finish();
        expect(error).toMatchObject({
          class: "DeviceError",
          code: frame === 0 ? (expect.any(String) as string) : "device-gone",
        });
      })();
    }
  });
});
