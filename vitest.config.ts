import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { entries, root } from "./test/support/entries.js";

const slow = ["test/package/**/*.test.ts", "test/bundle/**/*.test.ts"];
const minute = 60_000;

export default defineConfig({
  resolve: {
    alias: entries.map(({ name, source }) => ({ find: new RegExp(`^${name}$`), replacement: join(root, source) })),
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          // On a machine that is held up a test takes its time.
          testTimeout: 2 * minute,
          hookTimeout: 4 * minute,
          exclude: [...slow, "test/browser/**", "test/tools/**", "test/vm/guest/**"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "types",
          include: [],
          typecheck: { enabled: true, only: true, include: ["test/**/*.test-d.ts"], tsconfig: "tsconfig.json" },
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          include: slow,
          fileParallelism: false,
          testTimeout: 3 * minute,
          hookTimeout: 5 * minute,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
