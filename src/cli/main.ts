#!/usr/bin/env node
import { runProgram } from "./program.js";

// Progress and messages are for who is there to read them; the work goes on without.
process.stderr.on("error", () => undefined);
process.exitCode = await runProgram(process.argv.slice(2));
