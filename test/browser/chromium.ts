import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";

/** Milliseconds until it has to have started. */
const patience = 30_000;
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const debian = "chromium";

/**
 * The Chromium of this machine, or what `CHROMIUM` names. Where there is none it is installed, as root on
 * Debian, else the error says how to get it.
 */
export function prepareChromium(): string {
  const found = findChromium();
  if (found !== undefined) return found;
  const command = `apt-get install --no-install-recommends ${debian}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`no Chromium on PATH: name one in CHROMIUM, or, as root on Debian: ${command}`);
  }
  console.log(`browser: installing ${debian}`);
  apt("update", "--quiet", "--quiet");
  apt("install", "--yes", "--quiet", "--no-install-recommends", debian);
  const installed = findChromium();
  if (installed === undefined) throw new Error(`not installed even so: ${debian}`);
  return installed;
}

/** Starts it, headless. Where it does not start, the error says so, and with what it ended. */
export async function launchChromium(executablePath: string, timeout = patience): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  try {
    return await chromium.launch({ executablePath, args, timeout });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${executablePath} does not start as a headless Chromium: try it by hand (--headless --dump-dom about:blank), or name another in CHROMIUM\n${reason}`,
      { cause: error },
    );
  }
}

function findChromium(): string | undefined {
  const named = process.env["CHROMIUM"];
  if (named !== undefined) {
    if (!existsSync(named)) throw new Error(`CHROMIUM names ${named}, which is not there`);
    return named;
  }
  const directories = (process.env["PATH"] ?? "").split(":");
  return names
    .flatMap((name) => directories.map((directory) => join(directory, name)))
    .find((path) => existsSync(path));
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status } = spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`failed: apt-get ${args.join(" ")}`);
}
