import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NEVER, timer } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import type { FileEnding } from "../../../../operators/node/file-layout.js";
import { openInput } from "../../../../src/cli/files/input.js";
import { openOutput, Output, type OpenOptions } from "../../../../src/cli/files/output.js";
import type { Sink } from "../../../../src/cli/files/sinks.js";
import { fullDisk } from "../../../support/full-disk.js";
import { Scratch } from "../../../support/pack.js";

const scratch = new Scratch();
let files = 0;
const fresh = () => join(scratch.path, `out-${files++}`);
const bytes = (text: string) => new TextEncoder().encode(text);
const cancel = NEVER;
const keep = { force: false, cancel };
/** Finishes lines: only whole ones are kept, an end follows, and the first letter says whether there was room for it. */
const lines: FileEnding = {
  cut: (length) => length - (length % 5),
  finish: () => ({ tail: [bytes("end.")], head: bytes("L"), headWithoutTail: bytes("l"), summary: undefined }),
};

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** Opens what nobody has to wait for. */
async function opened(path: string, options: OpenOptions) {
  const output = await openOutput(path, options);
  if (output === undefined) throw new Error("nobody cancelled it");
  return output;
}

describe("openOutput", () => {
  it("writes pieces in order, and finishes them", async () => {
    const path = fresh();
    const output = await opened(path, keep);
    output.write(bytes("line\nli"));
    output.write(bytes("ne\n"));
    output.write(lines);
    await output.end();
    expect(readFileSync(path, "utf8")).toBe("Line\nline\nend.");
    expect(output.written).toBe(14);
  });

  it("writes a run of one byte, in pieces, and is not full of it", async () => {
    const path = fresh();
    const output = await opened(path, keep);
    const full: boolean[] = [];
    output.full.subscribe((value) => full.push(value));
    const length = 20 * 2 ** 20 + 1;
    output.write(bytes("a"));
    output.write({ byte: 0x80, length });
    output.write(bytes("b"));
    output.write({ byte: 1, length: 0 });
    await output.end();
    expect(full).toStrictEqual([false]);
    const expected = Buffer.alloc(length + 2, 0x80);
    expected.set(bytes("a"));
    expected.set(bytes("b"), length + 1);
    expect(readFileSync(path).equals(expected)).toBe(true);
  });

  it("is full of very many runs", () => {
    const never = () => new Promise<never>(() => undefined);
    const output = new Output("a file", { written: 0, write: never, close: never, discard: never });
    const full: boolean[] = [];
    output.full.subscribe((value) => full.push(value));
    const run = { byte: 0, length: 2 ** 30 };
    for (let i = 0; i < 2 ** 18; i++) output.write(run);
    expect(full).toStrictEqual([false, true]);
  });

  it.each([
    ["the rest of a piece, and the end", 12, "line\nline\n", "l"],
    ["the end", 18, "line\nline\nline\n", "l"],
    ["the rest of a piece, which left room for the end", 14, "line\nline\nend.", "L"],
  ])("finishes what there was room for, on a full disk: without %s", async (_, room, expected, head) => {
    const path = fresh();
    const output = await opened(path, keep);
    {
      using _disk = await fullDisk(room);
      output.write(bytes("line\nline\n"));
      output.write(bytes("line\n"));
      if (room < 18) output.write({ byte: 10, length: 2 ** 50 });
      output.write(lines);
      await expect(output.end()).rejects.toMatchObject({ code: "no-space" });
    }
    expect(readFileSync(path, "utf8")).toBe(head + expected.slice(1));
    expect(output.written).toBe(expected.length);
  });

  it("does not finish what nothing was written to", async () => {
    const path = fresh();
    writeFileSync(path, "something");
    const output = await opened(path, { force: true, cancel });
    output.write(lines);
    expect(output.isUntouched).toBe(true);
    await output.discard();
    expect(readFileSync(path, "utf8")).toBe("something");
  });

  it("leaves a file that is there alone", async () => {
    const path = fresh();
    writeFileSync(path, "mine");
    await expect(openOutput(path, keep)).rejects.toMatchObject({ name: "FileSystemError", code: "file-exists" });
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  it("replaces it with force, but not before there is something to put there", async () => {
    const path = fresh();
    writeFileSync(path, "something long");
    const unused = await opened(path, { force: true, cancel });
    await unused.discard();
    expect(readFileSync(path, "utf8")).toBe("something long");
    const output = await opened(path, { force: true, cancel });
    output.write(bytes("new"));
    await output.end();
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  it("replaces it with nothing where there was nothing to write", async () => {
    const path = fresh();
    writeFileSync(path, "something");
    await (await opened(path, { force: true, cancel })).end();
    expect(readFileSync(path, "utf8")).toBe("");
  });

  it("finishes what there was room for, and forgets the rest", async () => {
    const there: string[] = [];
    const sink: Sink = {
      get written() {
        return there.join("").length;
      },
      write: (piece) => {
        if (there.length === 1) return Promise.reject(new Error("full"));
        there.push(new TextDecoder().decode(piece));
        return Promise.resolve();
      },
      finish: () => Promise.resolve(there.push("end")),
      close: () => Promise.resolve(),
      discard: () => Promise.resolve(),
    };
    const output = new Output("a file", sink);
    const full: boolean[] = [];
    output.full.subscribe((value) => full.push(value));
    // What a stream that waited hands over now comes too late.
    output.failed.subscribe(() => {
      output.write(bytes("late"));
    });
    output.write(bytes("first"));
    for (let i = 0; i < 20; i++) output.write(new Uint8Array(2 ** 20));
    output.write(lines);
    await expect(output.end()).rejects.toMatchObject({ code: "file-failed" });
    expect(there).toStrictEqual(["first", "end"]);
    expect(full).toStrictEqual([false, true, false]);
  });

  it.skipIf(process.platform === "win32")("waits for somebody to read a named pipe, until it is not to", async () => {
    const path = fresh();
    spawnSync("mkfifo", [path]);
    const never = openOutput(path, { force: false, cancel: timer(50) });
    expect(await never).toBeUndefined();
    const opening = opened(path, keep);
    const reader = await openInput(path);
    const output = await opening;
    output.write(bytes("through"));
    const first = await reader.bytes[Symbol.asyncIterator]().next();
    expect(String(first.value)).toBe("through");
    reader.close();
    await output.end();
  });

  it("leaves no empty file behind where nothing was written", async () => {
    const path = fresh();
    const output = await opened(path, keep);
    expect(existsSync(path)).toBe(true);
    await output.discard();
    expect(existsSync(path)).toBe(false);
  });

  it("says where it cannot take the file away again", async () => {
    const path = fresh();
    const output = await opened(path, keep);
    rmSync(path);
    mkdirSync(path);
    await expect(output.discard()).rejects.toMatchObject({ name: "FileSystemError", code: "file-failed" });
  });

  it("says where there is no such directory", async () => {
    const path = join(scratch.path, "nowhere", "file");
    await expect(openOutput(path, keep)).rejects.toMatchObject({
      code: "no-such-file",
      message: `${path}: there is no such file or directory`,
    });
  });

  it.each([true, false])("says that a directory is no file (force: %s)", async (force) => {
    await expect(openOutput(scratch.path, { force, cancel })).rejects.toMatchObject({
      name: "FileSystemError",
      code: "not-a-file",
    });
  });

  it.runIf(process.platform === "linux")("tells when the disk is full, once, and at the end", async () => {
    const output = await opened("/dev/full", keep);
    const told: string[] = [];
    output.failed.subscribe(({ code }) => told.push(code));
    output.write(bytes("a"));
    output.write(bytes("b"));
    await expect(output.end()).rejects.toMatchObject({ code: "no-space" });
    output.write(bytes("c"));
    expect(told).toStrictEqual(["no-space"]);
    expect(output.written).toBe(0);
  });

  it("is full while much waits, and then no more", async () => {
    const path = fresh();
    const output = await opened(path, keep);
    const full: boolean[] = [];
    output.full.subscribe((value) => full.push(value));
    for (let i = 0; i < 20; i++) output.write(new Uint8Array(2 ** 20));
    expect(full).toStrictEqual([false, true]);
    await output.end();
    expect(full).toStrictEqual([false, true, false]);
    expect(statSync(path).size).toBe(20 * 2 ** 20);
  });
});
