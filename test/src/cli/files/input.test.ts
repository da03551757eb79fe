import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type * as FileSystem from "node:fs/promises";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { openInput } from "../../../../src/cli/files/input.js";
import { Scratch } from "../../../support/pack.js";

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof FileSystem>();
  return { ...real, open: vi.fn(real.open) };
});

const scratch = new Scratch();
const path = join(scratch.path, "input");
writeFileSync(path, "0123456789");

afterAll(() => {
  scratch[Symbol.dispose]();
});

describe("openInput", () => {
  it("reads a file, and knows how long it is", async () => {
    const input = await openInput(path);
    expect(input).toMatchObject({ path, size: 10 });
    const pieces: Uint8Array[] = [];
    for await (const piece of input.bytes) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe("0123456789");
    input.close();
    input.close();
  });

  it.each([
    ["no-such-file", join(scratch.path, "nothing")],
    ["not-a-file", scratch.path],
  ])("says %s", async (code, where) => {
    await expect(openInput(where)).rejects.toMatchObject({ name: "FileSystemError", code });
  });

  it("closes a file of which it cannot be told what it is", async () => {
    const closed = vi.fn(() => Promise.resolve());
    const handle = { stat: () => Promise.reject(new Error("EIO")), close: closed };
    vi.mocked(open).mockResolvedValueOnce(handle as unknown as FileHandle);
    await expect(openInput(path)).rejects.toMatchObject({ code: "file-failed" });
    expect(closed).toHaveBeenCalledOnce();
  });

  it.skipIf(process.platform === "win32")(
    "waits for what is written into a named pipe, and not to open it",
    async () => {
      const pipe = join(scratch.path, "pipe");
      spawnSync("mkfifo", [pipe]);
      const input = await openInput(pipe);
      expect(input.size).toBeUndefined();
      const iterator = input.bytes[Symbol.asyncIterator]();
      const first = iterator.next();
      writeFileSync(pipe, "written");
      expect(String((await first).value)).toBe("written");
      input.close();
      const unused = await openInput(pipe);
      const nothing = unused.bytes[Symbol.asyncIterator]().next();
      unused.close();
      await expect(nothing).rejects.toMatchObject({ code: "file-failed" });
    },
  );

  it("lets go of whoever waits when it is closed", async () => {
    const input = await openInput(path);
    const iterator = input.bytes[Symbol.asyncIterator]();
    await iterator.next();
    input.close();
    await expect(iterator.next()).rejects.toMatchObject({ name: "FileSystemError", code: "file-failed" });
  });
});
