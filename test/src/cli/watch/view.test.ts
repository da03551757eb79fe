import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import { summaryText } from "../../../../src/cli/watch/summary.js";
import { liveView, plainHeader, plainLine } from "../../../../src/cli/watch/view.js";
import type { WatchState } from "../../../../src/cli/watch/state.js";
import { lastState, watched } from "./watching.js";

const plain = new Chalk({ level: 0 });
const troubled = ["crc@1000x2", "host-stall@2000x4000", "device-not-responding@7000x123"];

function stateAt(elapsed: number, states: readonly WatchState[]): WatchState {
  const state = states.find(({ totals }) => totals.elapsed === elapsed);
  if (state === undefined) throw new Error("there is no such state");
  return state;
}

const lines = (text: string) => text.split("\n").map((line) => line.trimEnd());

describe("liveView", () => {
  it("shows a stream at 80 columns", () => {
    const { states } = watched({ faults: ["crc@1000"] });
    expect(lines(liveView(stateAt(600, states), { columns: 80, chalk: plain }))).toStrictEqual([
      " counter 1209:0001 on the virtual bus, high speed",
      " IN 0x81: 3,072 bytes × 8,000 frames/s, 8 transfers of 64 frames in flight",
      "",
      " ██████████████████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░░  0.6 of 1.0 s",
      "",
      " rate      24.25 MB/s, 7,893 frames/s   in the last second",
      "           ███",
      " frames    4,736                        delivered",
      " lost      0                            passed while nothing was queued",
      " failed    1                            delivered with an error of the bus",
      " jitter    0.0 µs (0.0 µs at most)      of the spacing of completions",
      " counters  4,735 in order               packets with the counter due",
      " trouble   frame 1,000: crc             the last of 1",
      "",
      " Ctrl-C stops.",
    ]);
  });

  it("shows what the device says of packets sent to it", () => {
    const text = liveView(lastState({ endpoint: 0x01 }), { columns: 60, chalk: plain });
    expect(lines(text).slice(-5)).toStrictEqual([
      " device    8,448 packets",
      "           0 gaps, 0 too short",
      " trouble   none so far",
      "",
      " Ctrl-C stops.",
    ]);
  });

  it.each([1, 12, 20])("does without a bar where there is no room for one (%d columns)", (columns) => {
    const state = lastState({ options: { duration: 200 } });
    expect(lines(liveView(state, { columns, chalk: plain }))).toContain(" Ctrl-C stops.");
  });

  it.each([0x81, 0x01])("keeps within the columns, and keeps its height (endpoint %d)", (endpoint) => {
    const { states } = watched({ endpoint, faults: troubled, options: { queue: 1000, frames: 50 } });
    for (const columns of [60, 72, 77, 78, 80, 200]) {
      const heights = new Set<number>();
      for (const state of states) {
        const shown = lines(liveView(state, { columns, chalk: plain }));
        heights.add(shown.length);
        for (const line of shown) expect(line.length, line).toBeLessThanOrEqual(columns);
      }
      expect(heights.size).toBe(1);
    }
  });

  it("says in colour what is wrong", () => {
    const { last } = watched({ faults: troubled });
    const chalk = new Chalk({ level: 1 });
    expect(last && liveView(last, { columns: 60, chalk })).toContain(chalk.yellow("3,504"));
  });
});

describe("the plain lines", () => {
  it("say the same, a line for each window", () => {
    const { states } = watched({ faults: ["crc@1000"] });
    const state = stateAt(1000, states);
    expect(plainHeader(state)).toBe(
      "counter 1209:0001 on the virtual bus, high speed\n" +
        "IN 0x81: 3,072 bytes × 8,000 frames/s, 8 transfers of 64 frames in flight",
    );
    expect(plainLine(state)).toBe(
      "  1.0 s   24.38 MB/s  7,936 frames/s    7,936 frames  lost 0  failed 1  jitter 0.0 µs (0.0 µs at most)",
    );
  });
});

describe("summaryText", () => {
  it("sums up a stream", () => {
    expect(lines(summaryText(lastState({ faults: [...troubled, "short@500x10"] }), plain))).toStrictEqual([
      "",
      " Finished after 1.06 s",
      " IN 0x81 of counter 1209:0001 on the virtual bus, high speed",
      "",
      " rate       █▃▁▅█",
      " delivered  4,992 frames, 14.93 MB",
      " lost       3,504 frames",
      " failed     125 frames (crc 2, device-not-responding 123)",
      " short      10 frames with fewer bytes than asked for",
      " mean rate  14.06 MB/s, 4,701 frames/s",
      " jitter     13.6 ms mean, 477.8 ms at most",
      " frames     ✔ 4,992 delivered + 3,504 lost = 8,496 on the bus",
      " counters   ✔ 4,867 packets with the counter due",
    ]);
  });

  it("says what ended it", () => {
    expect(summaryText(lastState({ faults: ["unplug@4000"] }), plain)).toContain("Failed after 0.50 s: device-gone");
    expect(summaryText(lastState({ interruptAt: 500 }), plain)).toContain("Interrupted after 0.50 s");
  });

  it("says what does not add up", () => {
    const state = lastState();
    const totals = { ...state.totals, lost: 1 };
    expect(summaryText({ ...state, totals }, plain)).toContain(
      "✘ 8,448 delivered + 1 lost are not the 8,448 on the bus",
    );
  });

  it("tells what an OUT endpoint's device received", () => {
    expect(summaryText(lastState({ endpoint: 0x01 }), plain)).toContain(
      "device     8,448 packets received, 0 gaps, 0 too short",
    );
    expect(summaryText(lastState({ endpoint: 0x01, faults: ["unplug@4000"] }), plain)).toContain("when last asked");
  });
});
