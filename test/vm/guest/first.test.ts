import { expect, test } from "vitest";
import { readdirSync } from "node:fs";
test("sees usb devices", () => { console.log(readdirSync("/sys/bus/usb/devices")); expect(1).toBe(1); });
