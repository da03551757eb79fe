/** Draws the pictures of the examples in docs anew: `npm run figures`. That of the film needs ffmpeg. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runExample } from "../../examples/bundle.js";
import { root } from "../../support/entries.js";
import { Scratch } from "../../support/pack.js";
import { figures } from "./figures.js";

using scratch = new Scratch();

for (const [name, bytes] of await figures(scratch.path)) writeFileSync(join(root, "docs", name), bytes);

await runExample(scratch.path, "webcam-to-ffmpeg");
const strip = "select=not(mod(n\\,15)),scale=180:-1,tile=4x1";
const args = ["-v", "error", "-i", "webcam.mp4", "-vf", strip, "-frames:v", "1", "-y", join(root, "docs/film.jpg")];
execFileSync("ffmpeg", args, { cwd: scratch.path, stdio: "inherit" });
