import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { root } from "../support/entries.js";
import { BridgeProcess } from "./bridge-process.js";
import { LiveView } from "./live-view.js";
import { serveSite } from "./site.js";

const artefacts = join(root, ".cache/artefacts");
const nothing = { openDevices: 0, claimedInterfaces: 0, inFlight: 0, dmaBuffers: 0 };
let browser: Browser;
let site: Awaited<ReturnType<typeof serveSite>>;
let view: LiveView;
/** The picture before anything was drawn. */
let blank: string;
/** What went wrong in the page, and told nobody else. */
let complaints: string[];

beforeAll(async () => {
  mkdirSync(artefacts, { recursive: true });
  site = await serveSite(inject("site"));
  browser = await chromium.launch({
    executablePath: inject("chromium"),
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
});

afterAll(async () => {
  await browser.close();
  site.close();
});

beforeEach(async () => {
  const page = await browser.newPage({ viewport: { width: 1120, height: 690 } });
  complaints = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.setDefaultTimeout(15_000);
  view = new LiveView(page);
  await page.goto(site.origin);
  await view.until("idle");
  blank = await view.pixels();
});

afterEach(async () => {
  await view.page.close();
  expect(complaints).toStrictEqual([]);
});

/** Figures, picture and waveform, each read twice. */
async function expectMoves(): Promise<void> {
  await view.until("streaming");
  const frames = await view.figureAbove("camera", "frames", 0);
  expect(await view.figureAbove("camera", "frames", frames)).toBeGreaterThan(frames);
  const samples = await view.figureAbove("microphone", "frames", 0);
  expect(await view.figureAbove("microphone", "frames", samples)).toBeGreaterThan(samples);
  expect(await view.figureAbove("camera", "rate", 0.5)).toBeLessThan(50);
  await view.pixelsOtherThan(await view.pixelsOtherThan(blank));
  const wave = await view.waveform();
  await expect.poll(() => view.waveform()).not.toBe(wave);
}

describe("the Angular example on the virtual device", () => {
  it("starts, shows what moves, and stops", async () => {
    await view.click("start");
    await expectMoves();
    await view.page.screenshot({ path: join(artefacts, "angular.png") });
    await view.click("stop");
    await view.until("idle");
    const frames = await view.figure("camera", "frames");
    const picture = await view.pixels();
    await view.page.waitForTimeout(200);
    expect(await view.figure("camera", "frames")).toBe(frames);
    expect(await view.pixels()).toBe(picture);
    expect(picture).not.toBe(blank);
  });

  it("says that the device was unplugged, and goes on when it is plugged in", async () => {
    await view.click("start");
    await view.until("streaming");
    await view.click("unplug");
    await view.until("failed");
    expect(await view.at("message").innerText()).toContain("device-gone");
    await view.page.screenshot({ path: join(artefacts, "angular-unplugged.png") });
    await view.click("plug");
    await expectMoves();
    expect(await view.at("message").count()).toBe(0);
  });

  it("holds nothing after a hundred starts and stops", { timeout: 300_000 }, async () => {
    await view.cycle(100);
    const { submitted, completed, ...held } = await view.held();
    expect(held).toStrictEqual({ ...nothing, live: 0 });
    expect(completed).toBe(submitted);
    expect(submitted).toBeGreaterThan(100);
  });
});

describe("the Angular example at a bridge", () => {
  let bridge: BridgeProcess;

  beforeEach(async () => {
    bridge = new BridgeProcess(inject("bridge"), site.origin);
    await view.click("bridge");
    await view.at("url").fill(await bridge.url());
    await view.at("url").blur();
  });

  afterEach(() => {
    bridge.end();
  });

  /** The bridge hears of the end of a connection a moment later. */
  async function expectNothingHeld(): Promise<void> {
    expect((await view.held()).live).toBe(0);
    await expect
      .poll(async () => {
        const { submitted, completed, ...held } = await bridge.command("audit");
        return { ...held, pending: submitted - completed };
      })
      .toStrictEqual({ ...nothing, pending: 0 });
  }

  it("starts, shows what moves, survives an unplug and a replug there, and stops", async () => {
    await view.click("start");
    await expectMoves();
    await view.page.screenshot({ path: join(artefacts, "angular-bridge.png") });
    await bridge.command("unplug");
    await view.until("failed");
    expect(await view.at("message").innerText()).toContain("device-gone");
    await bridge.command("plug");
    await expectMoves();
    await view.click("stop");
    await view.until("idle");
    await expectNothingHeld();
  });

  it("holds nothing after a hundred starts and stops", { timeout: 300_000 }, async () => {
    await view.cycle(100);
    await expectNothingHeld();
  });
});
