import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { listenToInterrupts } from "../../../src/cli/interrupts.js";
import { capturePrinted, interrupt } from "./printed.js";

const printed = capturePrinted();

function listening() {
  const left: unknown[] = [];
  const exit = vi.spyOn(process, "exit").mockImplementation((status) => {
    left.push(status);
    return undefined as never;
  });
  const interrupts = listenToInterrupts();
  let told = 0;
  interrupts.first.subscribe(() => told++);
  return { left, interrupts, told: () => told, [Symbol.dispose]: () => exit.mockRestore() };
}

describe("listenToInterrupts", () => {
  it("tells of the first Ctrl-C, also later, and leaves at once at the second", async () => {
    using listener = listening();
    interrupt();
    // npm and the shell pass it on twice.
    interrupt();
    expect(listener.told()).toBe(1);
    expect(listener.interrupts.status).toBe(130);
    expect(listener.left).toStrictEqual([]);
    let late = 0;
    listener.interrupts.first.subscribe(() => late++);
    expect(late).toBe(1);
    await delay(400);
    interrupt();
    expect(listener.left).toStrictEqual([130]);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("ends at a %s, too", (signal, status) => {
    using listener = listening();
    process.emit(signal);
    expect(listener.told()).toBe(1);
    expect(listener.interrupts.status).toBe(status);
  });

  it("goes by what came first: a Ctrl-C ends who reads the output as well", () => {
    using listener = listening();
    interrupt();
    process.stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    expect(listener.interrupts.status).toBe(130);
  });

  it("ends without a word where the reader has gone", () => {
    using listener = listening();
    process.stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    expect(listener.told()).toBe(1);
    expect(listener.interrupts.status).toBe(0);
    expect(printed.stderr).toBe("");
  });
});
