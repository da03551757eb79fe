import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openOutput } from "../../../../src/cli/files/output.js";
import { Scratch } from "../../../support/pack.js";

const scratch = new Scratch();
let files = 0;
const fresh = () => join(scratch.path, `out-${files++}`);
const bytes = (text: string) => new TextEncoder().encode(text);
const keep = { force: false };

afterAll(() => {
  scratch[Symbol.dispose]();
});

describe("openOutput", () => {
  it("writes pieces in order, and over what was written", async () => {
    const path = fresh();
    const output = await openOutput(path, keep);
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
    const unused = await openOutput(path, { force: true });
    await unused.discard();
    expect(readFileSync(path, "utf8")).toBe("something long");
    const output = await openOutput(path, { force: true });
    output.write(bytes("new"));
    await output.end();
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  it("leaves no empty file behind where nothing was written", async () => {
    const path = fresh();
    const output = await openOutput(path, keep);
    expect(existsSync(path)).toBe(true);
    await output.discard();
    expect(existsSync(path)).toBe(false);
  });

  it("says where it cannot take the file away again", async () => {
    const path = fresh();
    const output = await openOutput(path, keep);
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
    await expect(openOutput(scratch.path, { force })).rejects.toMatchObject({
      name: "FileSystemError",
      code: "not-a-file",
    });
  });

  it.runIf(process.platform === "linux")("tells when the disk is full, once, and at the end", async () => {
    const output = await openOutput("/dev/full", keep);
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
    const output = await openOutput(path, keep);
    const full: boolean[] = [];
    output.full.subscribe((value) => full.push(value));
    for (let i = 0; i < 20; i++) output.write(new Uint8Array(2 ** 20));
    expect(full).toStrictEqual([false, true]);
    await output.end();
    expect(full).toStrictEqual([false, true, false]);
    expect(statSync(path).size).toBe(20 * 2 ** 20);
  });
});
