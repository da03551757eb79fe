import { describe, expect, it } from "vitest";
import { DeviceError, IsochResults, type ResultSource, type StreamSink } from "../../src/index.js";
import { strictStream } from "./strict-stream.js";

const gone = new DeviceError("device-gone", "");

function results(firstFrame: number, frames: number, init: { lost?: number; compacted?: boolean } = {}): IsochResults {
  return new IsochResults({
    firstFrame,
    requested: new Uint32Array(frames).fill(2),
    actual: new Uint32Array(frames).fill(1),
    statuses: new Uint8Array(frames),
    data: new Uint8Array(2 * frames),
    compacted: true,
    timestamp: 0,
    ...init,
  });
}

/** A stream that is moved by hand. */
class ManualStream implements ResultSource {
  readonly ring: IsochResults[] = [];
  readonly calls: string[] = [];
  readonly violations: string[] = [];
  readonly strict: ResultSource;
  sink: StreamSink = { ready: () => undefined, drained: () => undefined };
  ended: ResultSource["ended"];
  onTake: () => void = () => undefined;

  constructor(onStart: (sink: StreamSink) => void = () => undefined) {
    const sink = { ready: () => this.calls.push("ready"), drained: () => this.calls.push("drained") };
    this.strict = strictStream(
      (own) => {
        this.sink = own;
        onStart(own);
        return this;
      },
      sink,
      (holds, message) => {
        if (!holds) this.violations.push(message);
      },
      () => this.calls.push("over"),
    );
  }

  take(): IsochResults | undefined {
    this.onTake();
    return this.ring.shift();
  }

  stop(): void {
    this.calls.push("stop");
  }

  takeAll(...all: IsochResults[]): void {
    this.ring.push(...all);
    for (const each of all) expect(this.strict.take()).toBe(each);
  }
}

describe("strictStream", () => {
  it("lets pass what is as it should be", () => {
    const stream = new ManualStream();
    stream.sink.ready();
    stream.takeAll(results(7, 4), results(13, 2, { lost: 2 }), results(18, 0, { lost: 3 }));
    stream.ended = { error: gone };
    stream.sink.ready();
    expect(stream.strict.ended).toStrictEqual({ error: gone });
    stream.strict.stop();
    stream.sink.drained();
    expect(stream.calls).toStrictEqual(["ready", "ready", "stop", "over", "drained"]);
    expect(stream.violations).toStrictEqual([]);
  });

  it("is over where the stream does not start", () => {
    const calls: string[] = [];
    const start = () => {
      throw gone;
    };
    const sink = { ready: () => undefined, drained: () => undefined };
    const over = () => calls.push("over");
    expect(() => strictStream(start, sink, () => undefined, over)).toThrow(gone);
    expect(calls).toStrictEqual(["over"]);
  });

  it("hears what is told before the start", () => {
    const { violations } = new ManualStream((sink) => {
      sink.ready();
    });
    expect(violations).toStrictEqual(["ready, and the stream is starting"]);
  });

  it.each<[string, (stream: ManualStream) => void]>([
    ["frames that are missing", (stream) => stream.takeAll(results(0, 4), results(5, 4))],
    ["given twice", (stream) => stream.takeAll(results(0, 4), results(3, 4))],
    ["not contiguous", (stream) => stream.takeAll(results(0, 4, { compacted: false }))],
    ["without a frame", (stream) => stream.takeAll(results(0, 0))],
    ["after the end", (stream) => stream.takeAll(results(1, 0, { lost: 1 }), results(1, 4))],
    [
      "touched after it was taken",
      (stream) => {
        stream.takeAll(results(0, 4));
        const next = results(4, 4);
        stream.takeAll(next);
        next.data.fill(9);
        stream.takeAll(results(8, 4));
      },
    ],
    [
      "ready within take",
      (stream) => {
        stream.onTake = () => {
          stream.sink.ready();
        };
        stream.strict.take();
      },
    ],
    [
      "ready, and the stream is stopped",
      (stream) => {
        stream.strict.stop();
        stream.sink.ready();
      },
    ],
    [
      "drained, and the stream is running",
      (stream) => {
        stream.sink.drained();
      },
    ],
    [
      "drained, and the stream is over",
      (stream) => {
        stream.strict.stop();
        stream.sink.drained();
        stream.sink.drained();
      },
    ],
    [
      "the end is taken back",
      (stream) => {
        stream.ended = { error: gone };
        expect(stream.strict.ended).toBeDefined();
        stream.ended = undefined;
        expect(stream.strict.ended).toBeUndefined();
      },
    ],
    [
      "without a reason",
      (stream) => {
        stream.ended = { error: undefined };
        expect(stream.strict.ended).toBeDefined();
      },
    ],
  ])("finds %s", (message, act) => {
    const stream = new ManualStream();
    act(stream);
    expect(stream.violations).toStrictEqual([expect.stringContaining(message)]);
  });
});
