import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { entries, root } from "./test/support/entries.js";

const slow = ["test/package/**/*.test.ts", "test/bundle/**/*.test.ts"];
const minutes = 60_000;

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
          testTimeout: minutes,
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
          testTimeout: 3 * minutes,
          hookTimeout: 5 * minutes,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
