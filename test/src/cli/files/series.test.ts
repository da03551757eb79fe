import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openSeries } from "../../../../src/cli/files/series.js";
import { fullDisk } from "../../../support/full-disk.js";
import { Scratch } from "../../../support/pack.js";

const scratch = new Scratch();
const bytes = (text: string) => new TextEncoder().encode(text);
const at = (name: string) => join(scratch.path, name);

afterAll(() => {
  scratch[Symbol.dispose]();
});

describe("openSeries", () => {
  it("makes a file of each piece", async () => {
    const output = openSeries(at("still.png"), { force: false });
    output.write(bytes("one"));
    output.write(bytes("two"));
    await output.end();
    expect(readFileSync(at("still-0001.png"), "utf8")).toBe("one");
    expect(readFileSync(at("still-0002.png"), "utf8")).toBe("two");
    expect([output.written, existsSync(at("still.png"))]).toStrictEqual([6, false]);
  });

  it.each([false, true])("leaves no part of a file, on a full disk (force: %s)", async (force) => {
    const output = openSeries(at("full.png"), { force });
    {
      using _disk = await fullDisk(5);
      output.write(bytes("whole"));
      output.write(bytes("too long"));
      await expect(output.end()).rejects.toMatchObject({ code: "no-space" });
    }
    expect([output.pieces, output.written]).toStrictEqual([1, 5]);
    expect(readFileSync(at("full-0001.png"), "utf8")).toBe("whole");
    expect(existsSync(at("full-0002.png"))).toBe(false);
    rmSync(at("full-0001.png"));
  });

  it("replaces files with force only", async () => {
    writeFileSync(at("mine-0001.png"), "mine, and long");
    const careful = openSeries(at("mine.png"), { force: false });
    careful.write(bytes("new"));
    await expect(careful.end()).rejects.toMatchObject({ code: "file-exists" });
    expect(readFileSync(at("mine-0001.png"), "utf8")).toBe("mine, and long");
    const forced = openSeries(at("mine.png"), { force: true });
    forced.write(bytes("new"));
    await forced.end();
    expect(readFileSync(at("mine-0001.png"), "utf8")).toBe("new");
  });
});
