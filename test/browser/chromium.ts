import { chromium, type Browser } from "playwright-core";
import { prepareProgram } from "../support/apt.js";

/** Milliseconds until it has to have started. */
const patience = 30_000;
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The Chromium of this machine, or what `CHROMIUM` names; see {@link prepareProgram}. */
export function prepareChromium(): string {
  return prepareProgram({ names, debian: "chromium", variable: "CHROMIUM" });
}

/** Starts it, headless. Where it does not start, the error says so, and with what it ended. */
export async function launchChromium(
  executablePath: string,
  { timeout = patience, args = [] }: { readonly timeout?: number; readonly args?: readonly string[] } = {},
): Promise<Browser> {
  const all = process.getuid?.() === 0 ? ["--no-sandbox", ...args] : [...args];
  try {
    return await chromium.launch({ executablePath, args: all, timeout });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${executablePath} does not start as a headless Chromium: try it by hand (--headless --dump-dom about:blank), or name another in CHROMIUM\n${reason}`,
      { cause: error },
    );
  }
}
