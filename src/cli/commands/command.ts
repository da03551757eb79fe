import type { Command } from "commander";

/** Adds a command to the program; `done` takes the exit status. */
export type DefineCommand = (program: Command, done: (status: number) => void) => void;
