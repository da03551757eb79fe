import { UnsupportedError } from "../../src/index.js";

/**
 * A class that was given, else that of the browser.
 *
 * @throws {@link UnsupportedError} `unsupported`
 * @internal
 */
export function globalClass<C>(name: string, given: C | undefined): C {
  const found = given ?? (globalThis as Readonly<Record<string, unknown>>)[name];
  if (typeof found === "function") return found as C;
  throw new UnsupportedError(
    "unsupported",
    `there is no ${name} here: run this in a browser with WebCodecs, in a secure context, or name a class for it`,
  );
}
