import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../support/entries.js";
import { Scratch } from "../support/pack.js";
import { figures } from "./figures/figures.js";

const scratch = new Scratch();
const guide = readFileSync(join(root, "docs/media.md"), "utf8");
const names = ["camera.png", "microphone.svg", "speaker.svg", "losses.svg", "film.jpg"];
let made: Awaited<ReturnType<typeof figures>>;

beforeAll(async () => {
  made = await figures(scratch.path);
}, 60_000);

afterAll(() => {
  scratch[Symbol.dispose]();
});

it("the guide shows every figure, each of them small", () => {
  const shown = [...guide.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, file]) => file);
  expect(shown.toSorted()).toStrictEqual(names.toSorted());
  for (const name of names) expect(statSync(join(root, "docs", name)).size).toBeLessThan(60_000);
});

it.each(["microphone.svg", "speaker.svg", "losses.svg"])("%s is what the example gives: npm run figures", (name) => {
  expect(readFileSync(join(root, "docs", name), "utf8")).toBe(made.get(name));
});

it("camera.png is what the example gives: npm run figures", () => {
  const [kept, drawn] = [readFileSync(join(root, "docs/camera.png")), made.get("camera.png")];
  if (!Buffer.isBuffer(drawn)) throw new Error("no picture");
  // Coded by whatever zlib there is: it is the pixels that count.
  expect(Buffer.from(decode(drawn).data).equals(Buffer.from(decode(kept).data))).toBe(true);
});
