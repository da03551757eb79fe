import { createLogUpdate } from "log-update";
import { bar, seconds } from "./format.js";
import { sizedTerminal, terminalSize } from "./terminal.js";

/** A line for people that changes in place, on stderr; nothing where that is no terminal. */
export interface ProgressLine {
  /** Shows what this returns. Is not asked more often than people can read. */
  show(text: () => ProgressText): void;
  /** Takes the line away. */
  clear(): void;
}

/** What a {@link ProgressLine} says. */
export interface ProgressText {
  readonly text: string;
  /** From 0 to 1, where the end is known. */
  readonly share?: number | undefined;
}

/** Milliseconds between two looks. */
const pace = 100;
/** Milliseconds after which people want to know what they wait for. */
const patience = 300;
const barWidth = 20;

export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  if (!stream.isTTY) return { show: () => undefined, clear: () => undefined };
  const update = createLogUpdate(sizedTerminal(stream));
  let isShown = false;
  let last = -Infinity;
  return {
    show: (look) => {
      const now = performance.now();
      if (now - last < pace) return;
      last = now;
      isShown = true;
      update(lineOf(look(), terminalSize(stream).columns));
    },
    clear: () => {
      if (!isShown) return;
      isShown = false;
      update.clear();
      update.done();
    },
  };
}

/** The line, no longer than the terminal is wide. */
export function lineOf({ text, share }: ProgressText, columns: number): string {
  const { done, left } = bar(share ?? 0, barWidth);
  const line = share === undefined ? ` ${text}` : ` ${done}${left}  ${text}`;
  return line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
}

/**
 * Says what is being waited for, once that takes longer than a moment, until the function that it returns is called:
 * that is idempotent.
 */
export function startWaiting(text: string): () => void {
  const line = progressLine();
  const since = performance.now();
  const timer = setInterval(() => {
    const waited = performance.now() - since;
    if (waited >= patience) line.show(() => ({ text: `${text} ${seconds(waited)} s` }));
  }, pace);
  return () => {
    clearInterval(timer);
    line.clear();
  };
}

/** {@link startWaiting} for as long as a promise takes. */
export async function whileWaiting<T>(text: string, work: Promise<T>): Promise<T> {
  const stop = startWaiting(text);
  try {
    return await work;
  } finally {
    stop();
  }
}
