import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { VideoFrameAssembler } from "../../src/class/uvc/index.js";
import { OpenFrame } from "../../src/class/uvc/open-frame.js";
import { newCounters } from "../../src/class/uvc/statistics.js";
import { root } from "../support/entries.js";

const guide = readFileSync(join(root, "docs/media.md"), "utf8");
const table = guide.slice(guide.indexOf("### What cameras do wrong"), guide.indexOf("## Microphones and speakers"));
const rows = table
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => line.split("|").slice(1, -1));

/** The names in backquotes. */
function names(cell = ""): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? "");
}

it.each([
  ["bogus header lengths", "badHeaders"],
  ["oversize frames", "oversize"],
  ["garbage first frames", "garbage"],
])("the guide says what becomes of %s", (what, counter) => {
  const row = rows.find(([sent]) => sent?.includes(what));
  expect(names(row?.[2])).toContain(counter);
});

it("its numbers are those that are counted", () => {
  expect(rows.length).toBeGreaterThan(5);
  const { statistics } = new VideoFrameAssembler({ format: "yuy2", width: 640, height: 480 });
  expect(Object.keys(statistics)).toEqual(expect.arrayContaining(rows.flatMap((row) => names(row[2]))));
  const counted = new OpenFrame("mjpeg", 640, 480, 1).end(0, false, true, newCounters())?.flaws;
  expect(Object.keys(counted ?? {})).toEqual(expect.arrayContaining(rows.flatMap((row) => names(row[3]))));
});
