// Makes .cache/rx-isoch: the package as it would be installed, of what is built in dist. A link to the checkout
// itself would bring its node_modules along, and with them a second Angular.
import { cpSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const linked = `${root}.cache/rx-isoch`;
mkdirSync(linked, { recursive: true });
cpSync(`${root}package.json`, `${linked}/package.json`);
if (lstatSync(`${linked}/dist`, { throwIfNoEntry: false }) !== undefined) rmSync(`${linked}/dist`);
symlinkSync(`${root}dist`, `${linked}/dist`, "junction");
