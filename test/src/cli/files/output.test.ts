import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NEVER, timer } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import { openInput } from "../../../../src/cli/files/input.js";
import { openOutput, Output, type OpenOptions } from "../../../../src/cli/files/output.js";
import { isReplacement, type Sink } from "../../../../src/cli/files/sinks.js";
import { Scratch } from "../../../support/pack.js";

const scratch = new Scratch();
let files = 0;
const fresh = () => join(scratch.path, `out-${files++}`);
const bytes = (text: string) => new TextEncoder().encode(text);
const cancel = NEVER;
const keep = { force: false, cancel };

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
  it("writes pieces in order, and over what was written", async () => {
    const path = fresh();
    const output = await opened(path, keep);
    output.write(bytes("head"));
    output.write(bytes("er, body"));
    output.write({ at: 0, bytes: bytes("HEAD") });
    output.write(bytes("."));
    await output.end();
    expect(readFileSync(path, "utf8")).toBe("HEADer, body.");
    expect(output.written).toBe(13);
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

  it("writes the header of what there was room for, and forgets the rest", async () => {
    const there: string[] = [];
    const sink: Sink = {
      write: (piece) => {
        if (!isReplacement(piece) && there.length === 1) return Promise.reject(new Error("full"));
        there.push(new TextDecoder().decode(isReplacement(piece) ? piece.bytes : piece));
        return Promise.resolve();
      },
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
    output.write({ at: 0, bytes: bytes("header") });
    await expect(output.end()).rejects.toMatchObject({ code: "file-failed" });
    expect(there).toStrictEqual(["first", "header"]);
    expect(output.written).toBe(5);
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
