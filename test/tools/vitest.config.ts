import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { entries, root } from "../support/entries.js";

export default defineConfig({
  root,
  resolve: {
    alias: entries.map(({ name, source }) => ({ find: new RegExp(`^${name}$`), replacement: join(root, source) })),
  },
  test: {
    name: "tools",
    include: ["test/tools/**/*.test.ts"],
    testTimeout: 60_000,
    // A tool that is not there is installed first.
    hookTimeout: 600_000,
  },
});
