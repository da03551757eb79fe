import { expect, test } from "vitest";
import { measureSpeed } from "../speed.js";
import { setting } from "./support/share.js";

test("node is fast enough to stream", () => {
  const [host, guest] = [Number(setting("VM_HOST_SPEED")), measureSpeed()];
  const ratio = guest / host;
  console.log(`${host.toFixed(0)} ms on the host, ${guest.toFixed(0)} ms in the guest: ${ratio.toFixed(1)} times`);
  // More than emulation costs, and less than a fault of the lab would.
  expect(ratio).toBeLessThan(150);
});
