import { describe, expect, it } from "vitest";
import { withCommand } from "../../../src/cli/shortcuts.js";

describe("withCommand", () => {
  it.each([
    ["", "watch"],
    ["--device 1209:0001", "watch --device 1209:0001"],
    ["--duration 2 --json", "watch --duration 2 --json"],
    ["--list", "list"],
    ["--json --list", "list --json"],
    ["--list --device x", "list --device x"],
    ["--help", "--help"],
    ["-V", "-V"],
    ["list --json", "list --json"],
    ["help capture", "help capture"],
    ["extra", "extra"],
  ])("reads '%s' as '%s'", (given, meant) => {
    expect(withCommand(given.split(" ").filter((each) => each !== "")).join(" ")).toBe(meant);
  });
});
