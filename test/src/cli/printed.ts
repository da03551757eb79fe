import { afterEach, beforeEach, vi } from "vitest";

/** What a command prints, of a test that runs it in this process; and no listener of it is left behind. */
export function capturePrinted() {
  const out = vi.spyOn(console, "log").mockReturnValue(undefined);
  const err = vi.spyOn(console, "error").mockReturnValue(undefined);
  const text = (spy: typeof out) => spy.mock.calls.map(([line]: unknown[]) => String(line)).join("\n");
  beforeEach(() => {
    out.mockClear();
    err.mockClear();
  });
  afterEach(() => {
    process.stdout.removeAllListeners("error");
    process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM").removeAllListeners("SIGHUP");
  });
  return {
    get stdout() {
      return text(out);
    },
    get stderr() {
      return text(err);
    },
    get json() {
      return JSON.parse(text(out)) as Readonly<Record<string, unknown>>;
    },
  };
}

/** Ctrl-C. */
export function interrupt(): void {
  process.emit("SIGINT");
}
