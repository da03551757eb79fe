import { open, type FileHandle } from "node:fs/promises";
import { vi } from "vitest";

/**
 * A disk on which no file gets longer than so many bytes: of a write that goes beyond, it takes a part, and then says
 * ENOSPC. What is there already can be written over, and made shorter. It has room again at the end of a `using` block.
 */
export async function fullDisk(capacity: number): Promise<Disposable> {
  const handle = await open(process.execPath);
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, "write">;
  await handle.close();
  const original = prototype.write;
  async function write(this: FileHandle, bytes: Uint8Array, offset: number, length: number, position: number | null) {
    const at = position ?? (await this.stat()).size;
    const room = Math.max(0, capacity - at);
    if (room === 0 && length > 0) {
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
    return Reflect.apply(original, this, [bytes, offset, Math.min(length, room), position]) as ReturnType<
      typeof original
    >;
  }
  const spy = vi.spyOn(prototype, "write").mockImplementation(write as unknown as typeof original);
  return {
    [Symbol.dispose]: () => {
      spy.mockRestore();
    },
  };
}
