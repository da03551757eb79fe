/** Lines on a terminal that are written over again and again, fast: log-update measures each character for that. */
export interface FrameScreen {
  show(lines: readonly string[]): void;
  /** Takes them away. */
  clear(): void;
}

export function frameScreen(stream: Pick<NodeJS.WriteStream, "write">): FrameScreen {
  let shown = 0;
  /** To the first line. */
  const back = () => (shown === 0 ? "" : `\u001b[${shown}A`);
  return {
    show: (lines) => {
      // What is left of a longer one goes with the last line.
      stream.write(`${back()}${lines.map((line) => `\r${line}\u001b[K\n`).join("")}\u001b[J`);
      shown = lines.length;
    },
    clear: () => {
      if (shown > 0) stream.write(`${back()}\r\u001b[J`);
      shown = 0;
    },
  };
}
