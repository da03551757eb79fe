import { defineConfig } from "vitest/config";
import { root } from "../support/entries.js";

const minute = 60_000;

export default defineConfig({
  root,
  test: {
    name: "vm",
    include: [".cache/vm/bundles/guest/**/*.test.js"],
    // Node runs the bundles as they are.
    server: { deps: { external: [/\/bundles\//] } },
    // All of them share one kernel.
    fileParallelism: false,
    // Starting another process takes longer in emulation than most of the tests.
    isolate: false,
    testTimeout: 2 * minute,
    hookTimeout: 2 * minute,
    // Real time in emulation: where the host stands still, the guest's bus does not. The report says what was tried again.
    retry: 1,
  },
});
