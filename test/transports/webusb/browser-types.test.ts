import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { root } from "../../support/entries.js";

/** What a page would write, with the types that describe a browser's WebUSB. */
const page = `
import type { IsochTransport, TransportDevice } from "rx-isoch";
import { toWebUsb, webusb } from "rx-isoch/transports/webusb";

declare const device: USBDevice;
declare const transport: IsochTransport;
declare const opened: TransportDevice;

webusb({ usb: navigator.usb });
webusb({ devices: [device], framesPerCall: 8, speed: "high" });
export const made: USBDevice = toWebUsb(opened);
export const chosen: Promise<USBDevice> = toWebUsb(transport).requestDevice({ filters: [] });
// @ts-expect-error no such speed
webusb({ devices: [device], speed: "fast" });
// @ts-expect-error a device is no USB
webusb({ usb: device });
// @ts-expect-error neither transport nor device
toWebUsb({});
`;

it("a browser's USB and USBDevice fit, and what toWebUsb makes is a USBDevice", () => {
  const directory = join(root, ".cache/browser-types");
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "page.ts");
  writeFileSync(file, page);
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...{ target: "es2022", module: "nodenext", moduleResolution: "nodenext", lib: ["es2023", "dom"] },
      ...{ rootDir: root, outDir: join(root, "dist"), types: ["w3c-web-usb"], strict: true, noEmit: true },
      ...{ exactOptionalPropertyTypes: true, skipLibCheck: true },
    },
    root,
  );
  const program = ts.createProgram([file], options);
  const source = program.getSourceFile(file);
  const problems = program.getSemanticDiagnostics(source);
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toStrictEqual([]);
});
