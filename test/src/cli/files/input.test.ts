import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openInput } from "../../../../src/cli/files/input.js";
import { Scratch } from "../../../support/pack.js";

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

  it("lets go of whoever waits when it is closed", async () => {
    const input = await openInput(path);
    const iterator = input.bytes[Symbol.asyncIterator]();
    await iterator.next();
    input.close();
    await expect(iterator.next()).rejects.toMatchObject({ name: "FileSystemError", code: "file-failed" });
  });
});
