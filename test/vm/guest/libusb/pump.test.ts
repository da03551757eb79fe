import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { root } from "../../../support/entries.js";
import { CounterBus } from "../support/counter-devices.js";

/** What `npm run build:sanitized -- thread` makes. */
const pump = join(root, ".cache/thread/pump");
const rounds = Number(process.env["LIFE_PUMP_ROUNDS"] ?? 40);

describe("the pump, with ThreadSanitizer", () => {
  it.skipIf(!existsSync(pump) && !process.env["CI"])(
    `has no race in ${rounds} rounds and an unplug`,
    async () => {
      await using bus = await CounterBus.open();
      const counter = await bus.attach({ speed: "full", serialNumber: "pump" });
      const run = (count: number) => {
        const { bus: busNumber, number } = counter.sysfs;
        const child = spawn(pump, [busNumber, number, count].map(String), {
          env: { ...process.env, TSAN_OPTIONS: "exitcode=66:halt_on_error=0" },
          stdio: ["ignore", "inherit", "inherit"],
        });
        return async () => {
          if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
          return child.signalCode ?? child.exitCode;
        };
      };
      expect(await run(rounds)()).toBe(0);
      const ended = run(rounds);
      await sleep(3000);
      await counter.unplug();
      expect(await ended()).toBe(0);
    },
    10 * 60_000,
  );
});
