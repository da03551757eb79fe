import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { describe, expect, it } from "vitest";
import { lineOf, progressLine, whileWaiting } from "../../../src/cli/progress.js";

function stream(isTTY: boolean) {
  const written: string[] = [];
  const sink = new PassThrough().on("data", (bytes: Buffer) => written.push(bytes.toString()));
  return { written, screen: Object.assign(sink, { isTTY, columns: 40, rows: 10 }) as unknown as WriteStream };
}

describe("progressLine", () => {
  it("shows nothing where there is no terminal, and does not even look", () => {
    const { written, screen } = stream(false);
    const line = progressLine(screen);
    line.show(() => {
      throw new Error("nobody looks");
    });
    line.clear();
    expect(written).toStrictEqual([]);
  });

  it("shows a line, not more often than people can read, and takes it away", () => {
    const { written, screen } = stream(true);
    const line = progressLine(screen);
    let looks = 0;
    for (let i = 0; i < 100; i++) line.show(() => ({ text: `look ${++looks}` }));
    line.clear();
    expect(looks).toBeLessThan(50);
    expect(written.join("")).toContain("look 1");
  });

  it.each([0, undefined])("takes a terminal that does not know how wide it is (%s) for a usual one", (columns) => {
    const { written, screen } = stream(true);
    Object.assign(screen, { columns });
    progressLine(screen).show(() => ({ text: "x".repeat(70) }));
    expect(written.join("").match(/x/g)).toHaveLength(70);
  });

  it("leaves a terminal alone on which it showed nothing", () => {
    const { written, screen } = stream(true);
    progressLine(screen).clear();
    expect(written).toStrictEqual([]);
  });
});

describe("lineOf", () => {
  it("has a bar where the end is known", () => {
    expect(lineOf({ text: "half", share: 0.5 }, 80)).toBe(" ██████████░░░░░░░░░░  half");
    expect(lineOf({ text: "some" }, 80)).toBe(" some");
  });

  it("keeps within the columns", () => {
    expect(lineOf({ text: "x".repeat(100), share: 2 }, 40)).toHaveLength(39);
  });
});

describe("whileWaiting", () => {
  it("passes on what comes, and what goes wrong", async () => {
    expect(await whileWaiting("for one", Promise.resolve(1))).toBe(1);
    await expect(whileWaiting("for nothing", Promise.reject(new Error("no")))).rejects.toThrow("no");
  });
});
