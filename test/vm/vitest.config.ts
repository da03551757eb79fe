import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { entries, root } from "../support/entries.js";

const minute = 60_000;

export default defineConfig({
  root,
  resolve: {
    alias: entries.map(({ name, source }) => ({ find: new RegExp(`^${name}$`), replacement: join(root, source) })),
  },
  test: {
    name: "vm",
    include: ["test/vm/guest/**/*.test.ts"],
    // All of them share one kernel.
    fileParallelism: false,
    // Starting another process takes longer in emulation than most of the tests.
    isolate: false,
    testTimeout: minute,
    hookTimeout: minute,
  },
});
