import { constants, open } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { exhaustMap, filter, firstValueFrom, from, takeUntil, timer, type Observable } from "rxjs";

/**
 * Named pipes. To open one waits for the other end, in a call of the system that nothing can end, not even the end of
 * the program; so they are opened without waiting, and read and written as sockets are.
 */

const openFile = promisify(open);

/** Milliseconds from one look for a reader to the next. */
const pace = 100;

/** Whether a path is a named pipe, as `<(…)` of a shell is, too. */
export async function isNamedPipe(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFIFO(),
    () => false,
  );
}

/** Opens a named pipe to be read. What is written into it comes; until somebody opens it for that, nothing does. */
export async function readNamedPipe(path: string): Promise<Socket> {
  const fd = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** Opens a named pipe to be written, once somebody reads it; `undefined` where a value of `cancel` comes first. */
export async function writeNamedPipe(path: string, cancel: Observable<unknown>): Promise<Socket | undefined> {
  const fd = await firstValueFrom(
    timer(0, pace).pipe(
      exhaustMap(() => from(openForReader(path))),
      filter((opened) => opened !== undefined),
      takeUntil(cancel),
    ),
    { defaultValue: undefined },
  );
  return fd === undefined ? undefined : new Socket({ fd, readable: false, writable: true });
}

/** `undefined` where nobody reads it yet. */
async function openForReader(path: string): Promise<number | undefined> {
  try {
    return await openFile(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
    throw error;
  }
}
