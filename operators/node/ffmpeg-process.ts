import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { ProcessError } from "../../src/index.js";

/** How ffmpeg is run. */
export interface FfmpegOptions {
  /**
   * What is to be done, as on the command line: options and `-i` of each input, then those of the output.
   * `pipe:0` is the standard input, `pipe:1` the standard output. `pictureInput` and `pcmInput`
   * describe what a device sends.
   */
  readonly args: readonly string[];
  /** The program. Default: `ffmpeg`, from `PATH`. */
  readonly command?: string | undefined;
  /** Milliseconds that it has to finish a file after an unsubscribe; then it is killed. Default: 2000. */
  readonly patience?: number | undefined;
}

/** Bytes of its standard error that are kept: the end of it. */
const keptStderr = 4096;
const toldLines = 8;

/**
 * A running ffmpeg.
 * @internal
 */
export class FfmpegProcess {
  /** Its standard input. */
  readonly input: Writable;
  /** Its standard output. */
  readonly output: Readable;
  /** Resolves when it has ended well and closed its streams; rejects with a {@link ProcessError}. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #options: FfmpegOptions;
  #stderr = "";
  #isEnded = false;

  constructor(options: FfmpegOptions) {
    this.#options = options;
    const { args, command = "ffmpeg" } = options;
    const child = spawn(command, ["-hide_banner", "-loglevel", "error", ...args], { windowsHide: true });
    this.#child = child;
    this.ended = new Promise((resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        this.#isEnded = true;
        reject(notStarted(command, error));
      });
      child.once("close", (status, signal) => {
        this.#isEnded = true;
        if (status === 0) resolve();
        else reject(this.#failure(command, status ?? signal ?? "unknown"));
      });
    });
    // Who does not wait for it does not want to know.
    this.ended.catch(() => undefined);
    this.input = child.stdin;
    this.output = child.stdout;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderr);
    });
    // It may end before it has read everything; the exit status says whether that is as it should be.
    child.stdin.on("error", () => undefined);
  }

  /** Ends its input, so that it can come to its own end with what it has, within `patience`. */
  async finish(): Promise<void> {
    this.input.end();
    await this.#gone();
  }

  /** Ends it at once, but so that it can finish its file. Resolves when it has gone. */
  async stop(): Promise<void> {
    if (this.#isEnded) return;
    this.input.destroy();
    // Nobody reads what it still writes: it is not to wait for that.
    this.output.destroy();
    this.#child.kill("SIGTERM");
    await this.#gone();
  }

  /** Waits for as long as it may take, and then no longer. */
  async #gone(): Promise<void> {
    const patience = setTimeout(() => {
      this.#child.kill("SIGKILL");
      // Where it was a script that runs ffmpeg, that one lives on and has these open.
      this.output.destroy();
      this.#child.stderr.destroy();
    }, this.#options.patience ?? 2000);
    await this.ended.catch(() => undefined);
    clearTimeout(patience);
  }

  #failure(command: string, native: number | string): ProcessError {
    const lines = this.#stderr.trim().split("\n").slice(-toldLines).join("\n");
    const how = typeof native === "number" ? `with status ${native}` : `by ${native}`;
    return new ProcessError("process-failed", `${command} ended ${how}: ${lines || "it said nothing"}`, { native });
  }
}

function notStarted(command: string, error: NodeJS.ErrnoException): ProcessError {
  const advice = error.code === "ENOENT" ? "install it, or name its path as command" : "see that it may be run";
  return new ProcessError("process-failed", `${command} cannot be started (${error.message}): ${advice}`, {
    native: error.code,
    cause: error,
  });
}
