import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Another run has the lab. */
export class LockedError extends Error {
  override readonly name = "LockedError";
}

/**
 * Takes the lab of this checkout, until the process ends: a second run would empty the directory that
 * the first shares with its guest. A lock that a process has left behind is taken over.
 *
 * @returns gives it back before that
 * @throws {@link LockedError}
 */
export function lockLab(cache: string): () => void {
  const lock = join(cache, "lock");
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    const holder = holderOf(lock);
    if (holder !== undefined && !isAlive(holder)) rmSync(lock, { force: true });
    // A link is there at once with what is in it, and is made by one of several only.
    linkSync(own, lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new LockedError(
      `process ${holderOf(lock)} runs the lab of this checkout: wait for it, or delete ${lock} if that is another program`,
    );
  } finally {
    rmSync(own);
  }
  const release = (): void => {
    process.off("exit", release);
    if (holderOf(lock) === process.pid) rmSync(lock);
  };
  process.on("exit", release);
  return release;
}

function holderOf(lock: string): number | undefined {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is somebody else's, and there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
