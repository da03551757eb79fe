import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { launchChromium } from "./chromium.js";
import type { PageCodecs } from "./page-codecs.js";

interface PageGlobals {
  readonly pageCodecs: PageCodecs;
}

let browser: Browser | undefined;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium(inject("chromium"));
  page = await browser.newPage();
  // WebCodecs is there in secure contexts only.
  await page.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: "" }));
  await page.goto("https://rx-isoch.invalid/");
  await page.addScriptTag({ path: inject("pageCodecs") });
});

afterAll(async () => {
  await browser?.close();
});

/** Bars of 75 % are 191 or 0, in either standard of colours that a browser may take for them. */
const bars = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [0, 0, 0],
];

describe("the browser's own WebCodecs", () => {
  it.each(["mjpeg", "yuy2", "nv12"] as const)(
    "shows pictures of %s: every pixel in its place, in its colour",
    async (format) => {
      const number = 0x1234_5678;
      const shown = await page.evaluate(
        ([format, number]) => (globalThis as unknown as PageGlobals).pageCodecs.picture(format, number),
        [format, number] as const,
      );
      expect([shown.timestamp, shown.number]).toStrictEqual([1234, number]);
      const isBright = shown.bars.map((colour) => colour.map((each) => (each > 95 ? 191 : 0)));
      expect(isBright).toStrictEqual(bars);
    },
  );

  it.each([
    ["8 bits", { bits: 8 }, [0x40, 0xc0, 0, 0x40], [-0.5, 0.5]],
    ["8 bits, unsigned", { bits: 8, kind: "pcm8" }, [0x80, 0x40, 0x80, 0xc0], [-0.5, 0.5]],
    ["16 bits", { bits: 16 }, [0, 0, 0, 0xc0, 0, 0, 0, 0x40], [-0.5, 0.5]],
    ["24 bits", { bits: 24 }, [0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0x40], [-0.5, 0.5]],
    ["32 bits", { bits: 32 }, [0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x40], [-0.5, 0.5]],
  ] as const)("takes sound of %s", async (_name, samples, bytes, heard) => {
    const format = { sampleRate: 48_000, channels: 2, ...samples };
    const sound = await page.evaluate(
      ([format, bytes]) => (globalThis as unknown as PageGlobals).pageCodecs.sound(format, bytes),
      [format, bytes] as const,
    );
    // The positive half of whole numbers is the smaller one.
    expect(sound.samples.map((each) => Math.round(each * 50) / 50)).toStrictEqual(heard);
    expect(sound.timestamp).toBe(1234);
  });
});
