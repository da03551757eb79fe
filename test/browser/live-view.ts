import type { Locator, Page } from "playwright-core";
import type { VirtualBusAudit } from "../../transports/virtual/index.js";

/** The example in a page, by what a user sees of it. */
export class LiveView {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  at(name: string): Locator {
    return this.page.locator(`[data-test="${name}"]`);
  }

  async click(name: string): Promise<void> {
    await this.at(name).click();
  }

  async until(state: "idle" | "opening" | "streaming" | "failed"): Promise<void> {
    await this.page.locator(`[data-test="state"][data-state="${state}"]`).waitFor();
  }

  /** A figure that is shown. */
  async figure(stream: "camera" | "microphone", name: "rate" | "frames" | "lost" | "jitter"): Promise<number> {
    const text = await this.at(stream).locator(`[data-test="${name}"]`).innerText();
    return Number.parseFloat(text.replaceAll(",", ""));
  }

  /** Waits until a figure is above a number, and returns it. */
  async figureAbove(stream: "camera" | "microphone", name: "rate" | "frames", least: number): Promise<number> {
    const selector = `[data-test="${stream}"] [data-test="${name}"]`;
    const isAbove = ({ selector, least }: { selector: string; least: number }): boolean => {
      const { document } = globalThis as unknown as PageGlobals;
      return Number.parseFloat(document.querySelector(selector)?.textContent.replaceAll(",", "") ?? "") > least;
    };
    await this.page.waitForFunction(isAbove, { selector, least });
    return this.figure(stream, name);
  }

  /** The pixels of the picture, as the data URL of their PNG. */
  async pixels(): Promise<string> {
    return this.page.evaluate(() => {
      const { document } = globalThis as unknown as PageGlobals;
      return document.querySelector("canvas")?.toDataURL() ?? "";
    });
  }

  /** Waits until the picture is another than this one. */
  async pixelsOtherThan(before: string): Promise<string> {
    const isOther = (before: string): boolean => {
      const { document } = globalThis as unknown as PageGlobals;
      return document.querySelector("canvas")?.toDataURL() !== before;
    };
    await this.page.waitForFunction(isOther, before);
    return this.pixels();
  }

  async waveform(): Promise<string | null> {
    return this.page.locator(".wave").getAttribute("d");
  }

  /** What the page holds of its buses. */
  async held(): Promise<VirtualBusAudit & { readonly live: number }> {
    return this.page.evaluate(() => (globalThis as unknown as PageGlobals).rxIsoch.held());
  }

  /** Starts and stops again and again, in the page: as fast as a very fast user. */
  async cycle(times: number): Promise<void> {
    await this.page.evaluate(async (times) => {
      const { document, setTimeout } = globalThis as unknown as PageGlobals;
      const button = (name: string) => document.querySelector(`[data-test="${name}"]`);
      const state = () => document.querySelector('[data-test="state"]')?.textContent.trim();
      const until = async (wanted: string) => {
        while (state() !== wanted) {
          if (state() === "failed") throw new Error(document.querySelector('[data-test="message"]')?.textContent);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      };
      for (let i = 0; i < times; i++) {
        button("start")?.click();
        await until("streaming");
        button("stop")?.click();
        await until("idle");
      }
    }, times);
  }
}

/** What the functions above use in the page; this project knows no DOM. */
interface PageGlobals {
  readonly document: { querySelector(selector: string): PageElement | null };
  readonly setTimeout: (work: (value: unknown) => void, delay: number) => void;
  readonly rxIsoch: { held(): VirtualBusAudit & { readonly live: number } };
}

interface PageElement {
  readonly textContent: string;
  click(): void;
  toDataURL(): string;
}
