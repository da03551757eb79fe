import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { lockLab, LockedError } from "./lock.js";

let cache: string;
let lock: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "lab-"));
  lock = join(cache, "lock");
  onTestFinished(() => {
    rmSync(cache, { recursive: true });
  });
});

describe("the lock of the lab", () => {
  it("is given back", () => {
    const release = lockLab(cache);
    expect(readFileSync(lock, "utf8")).toBe(String(process.pid));
    release();
    expect(readdirSync(cache)).toStrictEqual([]);
  });

  it("is refused while a process has it, which is named", () => {
    // The parent of this one runs as long as the test does.
    writeFileSync(lock, String(process.ppid));
    expect(() => lockLab(cache)).toThrow(LockedError);
    expect(() => lockLab(cache)).toThrow(new RegExp(`process ${process.ppid} .*${lock}`));
    expect(readdirSync(cache)).toStrictEqual(["lock"]);
    expect(readFileSync(lock, "utf8")).toBe(String(process.ppid));
  });

  it("is taken over from a process that is no more", () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    writeFileSync(lock, String(pid));
    lockLab(cache)();
    expect(existsSync(lock)).toBe(false);
  });

  it("goes with the process", () => {
    const before = process.listeners("exit");
    lockLab(cache);
    const [exiting] = process.listeners("exit").filter((listener) => !before.includes(listener));
    exiting?.(0);
    expect(existsSync(lock)).toBe(false);
    expect(process.listeners("exit")).toStrictEqual(before);
  });
});
