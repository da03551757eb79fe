import { readFile } from "node:fs/promises";
import WebSocket from "ws";
import type { IsochTransport } from "../index.js";
import { libusb } from "../../transports/libusb/index.js";
import { usbip } from "../../transports/usbip/index.js";
import { connectTcp } from "../../transports/usbip/tcp.js";
import { connectWebSocket } from "../../transports/usbip/websocket.js";
import { VirtualBus } from "../../transports/virtual/index.js";
import { deviceTarget } from "./device-target.js";
import { fileError } from "./files/errors.js";
import type { DeviceArguments, PlaceArguments } from "./options.js";
import { UsageError } from "./outcome.js";
import { hostAndPort } from "./serve/addresses.js";
import type { FindTarget } from "./target.js";
import { defaultVirtualKind, virtualDevice } from "./virtual-devices.js";
import { virtualTarget } from "./virtual-target.js";

/** The devices that are looked at: those of a bridge, a virtual one, or else those of this machine. */
export async function placeOf(options: PlaceArguments): Promise<IsochTransport> {
  const { bridge, virtual } = options;
  if (bridge !== undefined) return bridgeTransport(bridge, options);
  refuseToken(options);
  if (virtual === undefined) return libusb();
  return new VirtualBus({ devices: [virtualDevice(virtual, { speed: "high", clockPpm: 0 })] });
}

/** How the device that the options name is found: the virtual one where they name none. */
export async function finderOf(options: DeviceArguments): Promise<FindTarget> {
  const { device, bridge, virtual = defaultVirtualKind, speed, clockPpm, fault: faults } = options;
  if (device === undefined && bridge === undefined) {
    refuseToken(options);
    return (endpoint) => virtualTarget({ kind: virtual, speed, clockPpm, faults, ...endpoint });
  }
  const transport = await placeOf(options);
  return (endpoint) => deviceTarget(transport, { device, ...endpoint });
}

async function bridgeTransport(bridge: string, options: PlaceArguments): Promise<IsochTransport> {
  if (/^wss?:/i.test(bridge)) {
    const token = await tokenOf(options);
    return usbip({ connect: connectWebSocket({ url: bridge, token, WebSocket }) });
  }
  refuseToken(options);
  const address = hostAndPort(bridge);
  if (address === undefined) {
    throw new UsageError(`'${bridge}' is no address of a bridge: give host:port, ws://host:port or wss://host`);
  }
  return usbip({ connect: connectTcp(address) });
}

function refuseToken({ token, tokenFile }: PlaceArguments): void {
  if (token === undefined && tokenFile === undefined) return;
  throw new UsageError("a token goes with a bridge at a ws: or wss: address, and with nothing else");
}

/** The token of a bridge, from the options, from a file, or from the environment. */
export async function tokenOf({
  token,
  tokenFile,
}: Pick<PlaceArguments, "token" | "tokenFile">): Promise<string | undefined> {
  if (token !== undefined) return token;
  if (tokenFile === undefined) return process.env["RX_ISOCH_TOKEN"] || undefined;
  try {
    return (await readFile(tokenFile, "utf8")).split("\n")[0]?.trim();
  } catch (error) {
    throw fileError(error, tokenFile);
  }
}
