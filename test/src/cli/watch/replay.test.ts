import { lastValueFrom, NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { summarize } from "../../../../src/cli/watch/summary.js";
import { watch } from "../../../../src/cli/watch/watch.js";
import { counterProtocol } from "../../../../transports/virtual/index.js";
import { replay } from "../../../../transports/replay/index.js";
import { recordedAccount, scripted, type Stretch } from "../../../transports/replay/scripted.js";

/** The last state of a watch of a capture of a bus, from its frame 100 on. */
async function watchedCapture(stretches: readonly Stretch[]) {
  const { bytes } = await recordedAccount(scripted(100, stretches));
  const target = {
    transport: replay(bytes, { pace: "fast" }),
    device: {},
    endpoint: { endpoint: counterProtocol.inEndpoint },
    label: "a capture",
    counter: undefined,
    isRecording: true,
  };
  return lastValueFrom(watch(target, { duration: Infinity, interrupt: NEVER, queue: 8, window: 200 }));
}

describe("watch, of a capture", () => {
  it("counts what was lost before the first frame, between, and after the last", async () => {
    const state = await watchedCapture([
      { lost: 3, statuses: ["ok", "ok"] },
      { lost: 2, statuses: ["ok", "crc"] },
      { lost: 4, statuses: [] },
    ]);
    expect(state.end).toStrictEqual({ reason: "finished" });
    expect(state.span).toMatchObject({ firstFrame: 100, endFrame: 113 });
    expect(summarize(state)).toMatchObject({
      busFrames: 13,
      delivered: 4,
      lost: 9,
      failed: 1,
      statuses: { lost: 9, crc: 1 },
      checks: { conserved: true },
    });
  });

  it("counts a bus of which nothing was delivered", async () => {
    const state = await watchedCapture([{ lost: 1000, statuses: [] }]);
    expect(state.span).toMatchObject({ firstFrame: 100, endFrame: 1100 });
    expect(summarize(state)).toMatchObject({ busFrames: 1000, delivered: 0, lost: 1000, checks: { conserved: true } });
  });
});
