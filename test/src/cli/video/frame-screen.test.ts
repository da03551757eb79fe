import { expect, it } from "vitest";
import { frameScreen } from "../../../../src/cli/video/frame-screen.js";

it("writes lines over the lines before, and takes them away", () => {
  let written = "";
  const screen = frameScreen({
    write: (text: string | Uint8Array) => {
      written += String(text);
      return true;
    },
  });
  screen.clear();
  expect(written).toBe("");
  screen.show(["one", "two"]);
  screen.show(["three"]);
  screen.clear();
  expect(written).toBe(
    "\rone\u001b[K\n\rtwo\u001b[K\n\u001b[J" + "\u001b[2A\rthree\u001b[K\n\u001b[J" + "\u001b[1A\r\u001b[J",
  );
});
