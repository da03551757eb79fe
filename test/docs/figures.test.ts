import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { testCard } from "rx-isoch/transports/virtual";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toRgb } from "../../operators/node/rgb.js";
import { root } from "../support/entries.js";
import { Scratch } from "../support/pack.js";
import { figures } from "./figures/figures.js";

const scratch = new Scratch();
const guides = ["media.md", "transports.md"].map((guide) => readFileSync(join(root, "docs", guide), "utf8"));
const names = ["camera.png", "microphone.svg", "speaker.svg", "losses.svg", "film.jpg", "remote.png"];
let made: Awaited<ReturnType<typeof figures>>;

beforeAll(async () => {
  made = await figures(scratch.path);
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

it("the guides show every figure, each of them small", () => {
  const shown = guides.flatMap((guide) => [...guide.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, file]) => file));
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

it("remote.png is what the example gives, on a machine that is not held up: npm run figures", () => {
  const [width, height] = [320, 240];
  const sent = toRgb({ format: "yuy2", width, height, data: testCard("yuy2", width, height, 0) });
  expect(Buffer.from(decode(readFileSync(join(root, "docs/remote.png"))).data).equals(sent)).toBe(true);
});
