import { lastValueFrom, type Observable } from "rxjs";
import { IsochError, type IsochTransport } from "rx-isoch";
import { usbip, type UsbipOptions } from "rx-isoch/transports/usbip";
import { counterProtocol } from "rx-isoch/transports/virtual";
import { onTestFinished } from "vitest";
import { done, RawPort } from "../../../support/raw-port.js";
import { ScriptedServer, type Peer } from "./scripted-server.js";

/** A client of a server that does what the test says. */
export function scripted(options: Partial<UsbipOptions> = {}): {
  readonly server: ScriptedServer;
  readonly transport: IsochTransport;
} {
  const server = new ScriptedServer();
  return { server, transport: usbip({ connect: server.connect, timeout: 100, interval: 5, ...options }) };
}

/** An endpoint of the device of such a server. What is in flight at the end is completed by a hang-up. */
export async function scriptedPort(
  address: number = counterProtocol.inEndpoint,
  options: Partial<UsbipOptions> = {},
): Promise<{ readonly server: ScriptedServer; readonly peer: Peer; readonly port: RawPort }> {
  const { server, transport } = scripted({ timeout: 5000, ...options });
  const alternate = address === counterProtocol.inEndpoint ? 1 : 2;
  const port = await RawPort.open(transport, { vendorId: counterProtocol.vendorId }, address, alternate);
  const { peer } = server;
  onTestFinished(async () => {
    peer.stream.destroy();
    await port.drained();
    await done(port.device.close());
  });
  return { server, peer, port };
}

/** Waits until that holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i === 1000) throw new Error("it never held");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** As long as everything in memory takes to arrive. */
export function arrival(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

/** The code of the error that comes instead of a value. */
export async function codeOf(work: Observable<unknown> | (() => unknown)): Promise<string> {
  try {
    if (typeof work === "function") work();
    else await lastValueFrom(work, { defaultValue: undefined });
  } catch (error) {
    return IsochError.is(error) ? error.code : `not one of ours: ${String(error)}`;
  }
  return "no error";
}
