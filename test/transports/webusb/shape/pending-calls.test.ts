import { describe, expect, it } from "vitest";
import { exception } from "../../../../transports/webusb/shape/exceptions.js";
import { PendingCalls } from "../../../../transports/webusb/shape/pending-calls.js";

const aborted = exception("AbortError", "as the test says");
const never = () => new Promise<never>(() => undefined);

describe("PendingCalls", () => {
  it("hands on what a call brings, and what it failed with by a name of WebUSB", async () => {
    const calls = new PendingCalls();
    expect(await calls.run("it cannot be", () => Promise.resolve(3))).toBe(3);
    await expect(calls.run("it cannot be", () => Promise.reject(new Error("why")))).rejects.toMatchObject({
      name: "NetworkError",
      message: "it cannot be: Error: why",
    });
  });

  it("rejects all that is not answered, and nothing that comes later", async () => {
    const calls = new PendingCalls();
    const pending = [calls.run("one", never), calls.run("two", never)];
    calls.abort(aborted);
    expect(await Promise.allSettled(pending)).toStrictEqual(
      pending.map(() => ({ status: "rejected", reason: aborted })),
    );
    expect(await calls.run("three", () => Promise.resolve(3))).toBe(3);
  });
});
