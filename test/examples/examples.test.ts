import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { root } from "../support/entries.js";
import { Scratch } from "../support/pack.js";
import { bundleExample } from "./bundle.js";

const scratch = new Scratch();

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** Runs an example to its end, in an empty directory. Returns what it printed. */
async function run(name: string, ...args: string[]): Promise<string> {
  const program = await bundleExample(name);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], {
    cwd: scratch.path,
    timeout: 50_000,
  });
  expect(stderr).toBe("");
  return stdout;
}

/** What there is to see of each example when it has run. */
const results: Readonly<Record<string, () => Promise<void>>> = {
  "instrument-to-csv": async () => {
    expect(await run("instrument-to-csv", "table.csv")).toBe("4000 frames, 1116 of them lost or bad\n");
    const [head, ...lines] = readFileSync(join(scratch.path, "table.csv"), "utf8").trimEnd().split("\n");
    expect(head).toBe("frame,status,counter");
    const rows = lines.map((line) => line.split(","));
    expect(rows.map(([frame]) => Number(frame))).toStrictEqual(Array.from({ length: 4000 }, (_, i) => i));
    // The counter of the device goes on while nobody listens: it is the frame.
    for (const [frame, status, counter] of rows) expect(counter).toBe(status === "ok" ? frame : "");
    const count = (wanted: string) => rows.filter(([, status]) => status === wanted).length;
    expect([count("crc"), count("lost")]).toStrictEqual([12, 1104]);
  },
  "loss-report": async () => {
    expect(await run("loss-report")).toMatch(/^ok {4}6868\ncrc {3}12\nlost {2}1120\n$/);
  },
  "marble-test": async () => {
    expect(await run("marble-test")).toBe("the bus did what the diagram says\n");
  },
  "paced-output": async () => {
    expect(await run("paced-output")).toMatch(
      /^sent (\d+) packets\nthe device took \1, 0 of them out of order\nclosed\n$/,
    );
  },
  "remote-device": async () => {
    expect(await run("remote-device")).toMatch(/^frames came over the network, \d+ lost\nclosed\n$/);
  },
};

const examples = readdirSync(join(root, "examples"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replace(/\.ts$/, ""));

it("there is a result to check for every example, and no other", () => {
  expect(Object.keys(results).sort()).toStrictEqual(examples.sort());
});

it.each(Object.keys(results))("%s", async (name) => {
  await results[name]?.();
});
