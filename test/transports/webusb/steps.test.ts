import { describe, expect, it } from "vitest";
import { Presence } from "../../../transports/webusb/presence.js";
import { Steps } from "../../../transports/webusb/steps.js";
import { codeOf, errorOf, lab, rejecting } from "./lab.js";

async function started() {
  const { device } = await lab();
  const presence = new Presence(device, "webusb-1", () => undefined);
  const steps = new Steps("webusb-1", presence);
  const log: string[] = [];
  /** A step that ends when it is told to. */
  const step = (name: string) => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const work = async () => {
      log.push(`${name} begins`);
      await ended;
      log.push(`${name} ends`);
    };
    return { work, end };
  };
  return { presence, steps, step, log };
}

describe("Steps", () => {
  it("run one after the other, also behind one that failed", async () => {
    const { steps, step, log } = await started();
    const [one, two] = [step("one"), step("two")];
    const failing = errorOf(steps.run({ to: "fail at" }, rejecting("NetworkError")));
    const running = [steps.run({ to: "do one on" }, one.work), steps.run({ to: "do two on" }, two.work)];
    expect((await failing).message).toContain("could not fail at webusb-1");
    two.end();
    one.end();
    await Promise.all(running);
    expect(log).toStrictEqual(["one begins", "one ends", "two begins", "two ends"]);
  });

  it("what runs beside them waits for those under way, and holds up none", async () => {
    const { steps, step, log } = await started();
    const [change, request, next] = [step("change"), step("request"), step("next")];
    const changing = steps.run({ to: "change" }, change.work);
    const asking = steps.runBeside({ to: "ask" }, request.work);
    change.end();
    await changing;
    next.end();
    await steps.run({ to: "change" }, next.work);
    request.end();
    await asking;
    expect(log).toStrictEqual([
      ...["change begins", "change ends"],
      ...["request begins", "next begins", "next ends", "request ends"],
    ]);
  });

  it("begin with no device that is gone, and do not outlast it", async () => {
    const { presence, steps, step, log } = await started();
    const running = codeOf(steps.run({ to: "do it on" }, step("one").work));
    await Promise.resolve();
    presence.leave();
    expect(await running).toBe("device-gone");
    expect(await codeOf(steps.run({ to: "do it on" }, step("two").work))).toBe("device-gone");
    expect(log).toStrictEqual(["one begins"]);
  });
});
