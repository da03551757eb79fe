import { describe, expect, it } from "vitest";
import { FlowControl } from "../../../../transports/usbip/server/flow-control.js";

function lab(most: number) {
  const log: string[] = [];
  let waiting = 0;
  const flow = new FlowControl({
    stream: {
      pause: () => log.push("pause"),
      resume: () => log.push("resume"),
    },
    most,
    waiting: () => waiting,
    resumed: () => log.push("resumed"),
  });
  return {
    flow,
    log,
    wait: (bytes: number) => {
      waiting = bytes;
    },
  };
}

describe("FlowControl", () => {
  it("reads no more than may be under way, and again when half of it is done", () => {
    const { flow, log } = lab(100);
    flow.add(100);
    flow.limit();
    expect(flow.isReading).toBe(true);
    flow.add(1);
    flow.limit();
    expect(flow.isReading).toBe(false);
    flow.remove(50);
    expect(log).toStrictEqual(["pause"]);
    flow.remove(1);
    expect(log).toStrictEqual(["pause", "resume", "resumed"]);
    expect(flow.isReading).toBe(true);
  });

  it("does not count what only a command can end", () => {
    const { flow, log, wait } = lab(100);
    flow.add(150);
    wait(60);
    flow.limit();
    expect(log).toStrictEqual([]);
  });

  it("while it is held, nothing resumes it", () => {
    const { flow, log } = lab(100);
    flow.add(10);
    flow.hold();
    flow.remove(10);
    expect(log).toStrictEqual(["pause"]);
    flow.release();
    expect(log).toStrictEqual(["pause", "resume", "resumed"]);
  });

  it("once it is stopped, nothing resumes it either", () => {
    const { flow, log } = lab(100);
    flow.add(101);
    flow.limit();
    flow.stop();
    flow.remove(101);
    expect(log).toStrictEqual(["pause"]);
  });
});
