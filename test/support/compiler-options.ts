import { join } from "node:path";
import ts from "typescript";
import { root } from "./entries.js";

/** Those of the project, for a program that emits nothing. */
export function compilerOptions(): ts.CompilerOptions {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, "tsconfig.json"),
    { noEmit: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (!config) throw new Error("tsconfig.json cannot be read");
  return config.options;
}
