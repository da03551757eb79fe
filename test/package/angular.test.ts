import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markdownBlocks } from "../support/code-blocks.js";
import { pack, readRoot, run, Scratch } from "../support/pack.js";

const scratch = new Scratch();

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** The oldest that package.json promises, with the zone.js of that time. What is newest, all other tests have. */
const oldest = ["rxjs@7.8.0", "@angular/core@20.0.0", "@angular/compiler@20.0.0", "zone.js@0.15.0"];

/** The service of a document, in an application with zone.js: started in the zone, until it has measured. */
const program = (service: string) => `
import "zone.js";
import "@angular/compiler";
import { createEnvironmentInjector, NgZone, VERSION, type EnvironmentInjector, ɵINJECTOR_SCOPE } from "@angular/core";
import { Camera } from "./${service}.js";

const zone = new NgZone({});
let turns = 0;
zone.onMicrotaskEmpty.subscribe(() => turns++);
const providers = [{ provide: ɵINJECTOR_SCOPE, useValue: "root" }, { provide: NgZone, useValue: zone }];
const injector = createEnvironmentInjector(providers, null as unknown as EnvironmentInjector);
const until = async (isReached: () => boolean) => {
  while (!isReached()) await new Promise((resolve) => setTimeout(resolve, 10));
};

const { stream, rates } = injector.get(Camera);
zone.run(() => stream.start());
await until(() => (rates()?.transfers ?? 0) > 0);
stream.stop();
await until(() => stream.state() === "idle");
const { frames } = stream.totals();
injector.destroy();
console.log(JSON.stringify({ angular: VERSION.full, turns, moved: frames > 0 }));
`;

/** The documents, each with the name that its service has in the consumer. */
const services = { "README.md": "readme", "docs/angular.md": "guide" } as const;

describe("a consumer with the oldest Angular and RxJS, and zone.js", () => {
  const consumer = join(scratch.path, "consumer");

  beforeAll(() => {
    mkdirSync(consumer);
    const write = (file: string, text: string): void => {
      writeFileSync(join(consumer, file), text);
    };
    write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
    const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
    run(consumer, "npm", "install", ...quietly, pack(scratch.path), `typescript@${ts.version}`, ...oldest);
    for (const [document, name] of Object.entries(services)) {
      const service = markdownBlocks(document, readRoot(document)).find(({ code }) => code.includes("class Camera"));
      write(`${name}.ts`, service?.code ?? "");
      write(`run-${name}.ts`, program(name));
    }
    const options = ["--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom", "--outDir", "out"];
    const decorated = ["--strict", "--experimentalDecorators"];
    const programs = Object.values(services).map((name) => `run-${name}.ts`);
    run(consumer, "npx", "--no-install", "tsc", "--ignoreConfig", ...options, ...decorated, ...programs);
  });

  it.each(Object.entries(services))("runs the service of %s", (_document, name) => {
    expect(JSON.parse(run(consumer, "node", `out/run-${name}.js`))).toStrictEqual({
      angular: "20.0.0",
      // The click that started it.
      turns: 1,
      moved: true,
    });
  });
});
