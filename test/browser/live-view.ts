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

  /** Waits for two animation frames: what was written before is then painted. */
  async painted(): Promise<void> {
    await this.page.evaluate(async () => {
      const { requestAnimationFrame } = globalThis as unknown as PageGlobals;
      for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    });
  }

  /** What the page holds of its buses. */
  async held(): Promise<VirtualBusAudit & { readonly live: number }> {
    return this.page.evaluate(() => (globalThis as unknown as PageGlobals).rxIsoch.held());
  }

  /** Destroys the application, whatever it is doing. */
  async destroy(): Promise<void> {
    await this.page.evaluate(() => {
      (globalThis as unknown as PageGlobals).rxIsoch.destroy();
    });
  }

  /** Does something to the device at the page's own `navigator.usb`; returns what is then in use of its bus. */
  async pageUsb(command: "unplug" | "plug" | "audit"): Promise<VirtualBusAudit> {
    return this.page.evaluate((command) => {
      const { pageUsb } = globalThis as unknown as PageGlobals;
      pageUsb[command]();
      return pageUsb.audit();
    }, command);
  }

  /** What the page has of the browser's memory, after a collection of garbage. */
  async memory(): Promise<PageMemory> {
    const session = await this.page.context().newCDPSession(this.page);
    try {
      await session.send("Performance.enable");
      // What one collection finds to be finished with is gone with the next.
      for (let i = 0; i < 2; i++) await session.send("HeapProfiler.collectGarbage");
      const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
      const { metrics } = await session.send("Performance.getMetrics");
      const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? NaN;
      return { nodes, listeners: jsEventListeners, heap };
    } finally {
      await session.detach();
    }
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

  /** Creates an injector with streams, starts them, and destroys it while they stream; again and again. */
  async injectAndDestroy(times: number): Promise<void> {
    await this.page.evaluate(async (times) => {
      const { rxIsoch, setTimeout } = globalThis as unknown as PageGlobals;
      for (let i = 0; i < times; i++) {
        const streams = rxIsoch.streams();
        streams.start();
        while (streams.state() !== "streaming") {
          if (streams.state() === "failed") throw new Error("the streams failed");
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        streams.destroy();
        while (rxIsoch.held().live > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }, times);
  }
}

/** What a page has of the browser's memory. */
export interface PageMemory {
  /** Of the DOM, in the document or not. */
  readonly nodes: number;
  readonly listeners: number;
  /** Bytes of JavaScript. */
  readonly heap: number;
}

/** Streams of an injector of their own. */
interface InjectedStreams {
  start(): void;
  state(): string;
  destroy(): void;
}

/** What the functions above use in the page; this project knows no DOM. */
interface PageGlobals {
  readonly document: { querySelector(selector: string): PageElement | null };
  readonly setTimeout: (work: (value: unknown) => void, delay: number) => void;
  readonly requestAnimationFrame: (work: (value: unknown) => void) => void;
  readonly rxIsoch: {
    held(): VirtualBusAudit & { readonly live: number };
    streams(): InjectedStreams;
    destroy(): void;
  };
  readonly pageUsb: {
    audit(): VirtualBusAudit;
    unplug(): void;
    plug(): void;
  };
}

interface PageElement {
  readonly textContent: string;
  click(): void;
  toDataURL(): string;
}
