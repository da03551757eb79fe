import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { isochPipe } from "rx-isoch";
import { libusb } from "rx-isoch/transports/libusb";
import type { StreamOptions } from "../../../../../src/index.js";

/** How a process other than this one, or a thread, uses the device. */
export interface Role {
  readonly serialNumber: string;
  readonly options: StreamOptions;
  /** Milliseconds of streaming after which it calls `process.exit`; it streams on where there are none. */
  readonly exitAfter?: number;
}

/** Streams until somebody puts an end to it, and tells `announce` once it does. */
export function play({ serialNumber, options, exitAfter }: Role, announce: () => void): void {
  let isFirst = true;
  isochPipe(libusb(), { serialNumber, endpoint: 0x81 })
    .results(options)
    .subscribe(() => {
      if (!isFirst) return;
      isFirst = false;
      announce();
      if (exitAfter !== undefined) setTimeout(() => process.exit(exitStatus), exitAfter);
    });
}

/** Of a process that has ended as it was told to. */
export const exitStatus = 23;

/** Starts this program once more, in a role, and waits until it streams. */
export async function startProcess(role: Role): Promise<ChildProcess> {
  const child = spawn(process.execPath, [process.argv[1] ?? "", JSON.stringify(role)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = new AbortController();
  child.once("exit", () => {
    ended.abort();
  });
  await once(child, "message", { signal: ended.signal });
  return child;
}

/** Waits for the end of a process: its exit status, or the signal that ended it. */
export async function endOf(child: ChildProcess): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.signalCode ?? child.exitCode ?? "unknown";
}

/** Starts this program in a thread; it says `streaming` when it does. */
export function startWorker(role: Role): Worker {
  return new Worker(process.argv[1] ?? "", { workerData: role });
}
