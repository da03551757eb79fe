import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import { summarize, summaryText } from "../../../../src/cli/watch/summary.js";
import { videoView } from "../../../../src/cli/video/video-view.js";
import { plainLine } from "../../../../src/cli/watch/view.js";
import { lastState, watched } from "../watch/watching.js";

const plain = new Chalk({ level: 0 });
const setting = { kind: "camera", speed: undefined, endpoint: undefined } as const;

describe("a watch of a camera", () => {
  const pictures: number[] = [];
  const { states, last, isComplete, audit } = watched({
    ...setting,
    options: { picture: ({ sequence }) => pictures.push(sequence) },
  });
  if (last === undefined) throw new Error("there is no state");

  it("agrees on a small raw picture, counts what comes, and closes", () => {
    expect(last.video).toMatchObject({ format: "yuy2", width: 320, height: 240, agreedRate: 30, incomplete: 0 });
    expect(last.video?.complete).toBeGreaterThanOrEqual(30);
    expect(pictures).toStrictEqual(Array.from({ length: last.video?.complete ?? 0 }, (_, i) => i));
    expect(summarize(last)).toMatchObject({
      device: "camera 1209:0002",
      pictures: { format: "yuy2", complete: pictures.length },
      checks: { conserved: true },
    });
    expect(isComplete).toBe(true);
    expect(audit).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("shows the latest picture, with the figures beneath, within the screen", () => {
    for (const { columns, rows } of [
      { columns: 60, rows: 16 },
      { columns: 80, rows: 24 },
      { columns: 300, rows: 100 },
    ]) {
      const lines = videoView(last, { columns, rows, chalk: plain }) ?? [];
      expect(lines.length).toBeLessThan(rows);
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(columns);
    }
    const lines = videoView(last, { columns: 80, rows: 24, chalk: plain })?.map((line) => line.trimEnd());
    expect(lines?.[0]).toBe(" camera 1209:0002 on the virtual bus, high speed: yuy2, 320 × 240");
    expect(lines).toHaveLength(21);
    expect(lines?.slice(-4, -2)).toStrictEqual([
      ` 30.0 of 30 pictures/s  ${last.video?.complete} complete, 0 incomplete`,
      expect.stringMatching(/^ [78],\d{3} bus frames\/s {2}4\.\d\d MB\/s$/),
    ]);
    expect(lines?.at(-2)).toMatch(/^ lost 0 {2}failed 0 {2}jitter /);
    expect(lines?.at(-1)).toMatch(/of 1\.0 s {2}Ctrl-C stops\.$/);
  });

  it("says in lines and in the summary how many pictures came", () => {
    expect(plainLine(last)).toContain("30.0 pictures/s");
    expect(summaryText(last, plain)).toContain(`pictures   ${pictures.length} pictures of yuy2, 320 × 240, 30.0/s`);
    expect(states.length).toBeGreaterThan(3);
  });

  it("counts pictures in which something was missing", () => {
    const state = lastState({ ...setting, faults: ["host-stall@2000x2000"] });
    expect(state.video?.incomplete).toBeGreaterThan(0);
    expect(summaryText(state, plain)).toMatch(/pictures .*, \d+ incomplete/);
  });

  it("leaves an endpoint that is named to itself", () => {
    expect(lastState({ kind: "camera", speed: undefined, endpoint: 0x81 }).video).toBeUndefined();
    expect(videoView(lastState(), { columns: 80, rows: 24, chalk: plain })).toBeUndefined();
  });
});
