import { constants, createReadStream } from "node:fs";
import { access, readFile } from "node:fs/promises";
import WebSocket from "ws";
import { InvalidRequestError, type IsochTransport } from "../index.js";
import { libusb } from "../../transports/libusb/index.js";
import { usbip } from "../../transports/usbip/index.js";
import { checkedToken } from "../../transports/usbip/protocol/token.js";
import { connectTcp } from "../../transports/usbip/tcp.js";
import { connectWebSocket } from "../../transports/usbip/websocket.js";
import { replay, type ReplayOptions } from "../../transports/replay/index.js";
import { VirtualBus } from "../../transports/virtual/index.js";
import { deviceTarget } from "./device-target.js";
import { fileSystemError } from "./files/errors.js";
import { told } from "./files/input.js";
import { isNamedPipe } from "./files/named-pipe.js";
import type { DeviceArguments, PlaceArguments } from "./options.js";
import { UsageError } from "./outcome.js";
import { hostAndPort } from "./serve/addresses.js";
import type { FindTarget } from "./target.js";
import { defaultVirtualKind, virtualDevice, type VirtualKind } from "./virtual-devices.js";
import { virtualTarget } from "./virtual-target.js";

/** The devices that are looked at: those of a bridge, a virtual one, or else those of this machine. */
export async function transportOf(options: PlaceArguments): Promise<IsochTransport> {
  const { bridge, capture, virtual } = options;
  if (bridge !== undefined) return bridgeTransport(bridge, options);
  refuseToken(options);
  if (capture !== undefined) return captureTransport(capture, { pace: "fast" });
  // Which driver a device has on Windows, nobody knows here: what WinUSB does not take, libusb refuses.
  if (virtual === undefined) return libusb({ windowsDriver: "libusbk" });
  return new VirtualBus({ devices: [virtualDevice(virtual, { clockPpm: 0 })] });
}

/** How the device that the options name is found: a virtual one, of the kind `otherwise`, where they name none. */
export async function finderOf(
  options: DeviceArguments,
  otherwise: VirtualKind = defaultVirtualKind,
): Promise<FindTarget> {
  const { device, bridge, capture, virtual = otherwise, speed, clockPpm, fault: faults } = options;
  if ([device, bridge, capture].every((each) => each === undefined)) {
    refuseToken(options);
    return (endpoint) => virtualTarget({ kind: virtual, speed, clockPpm, faults, ...endpoint });
  }
  const transport = await transportOf(options);
  return (endpoint) => deviceTarget(transport, { device, isRecording: capture !== undefined, ...endpoint });
}

/** A capture in a file, which is read piece by piece. Rejects with a `FileSystemError`. */
export async function captureTransport(path: string, options: ReplayOptions): Promise<IsochTransport> {
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw fileSystemError(error, path);
  });
  if (await isNamedPipe(path)) throw new UsageError("a capture is read more than once, and no pipe: name a file");
  return replay(() => chunksOf(path), options);
}

/** Opens the file when the first of them is asked for. */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  yield* told(path, createReadStream(path, { highWaterMark: 2 ** 18 }));
}

async function bridgeTransport(bridge: string, options: PlaceArguments): Promise<IsochTransport> {
  const token = await tokenOf(options);
  if (/^wss?:/i.test(bridge)) return usbip({ connect: connectWebSocket({ url: bridge, token, WebSocket }) });
  const address = hostAndPort(bridge);
  if (address === undefined) {
    throw new UsageError(`'${bridge}' is no address of a bridge: give host:port, ws://host:port or wss://host`);
  }
  return usbip({ connect: connectTcp({ ...address, token }) });
}

function refuseToken({ token, tokenFile }: PlaceArguments): void {
  if (token === undefined && tokenFile === undefined) return;
  throw new UsageError("a token is for a bridge: leave it out, or say --bridge");
}

/**
 * The token of a bridge, from the options, from a file, or from the environment. Rejects with a `FileSystemError`,
 * and with a `UsageError` for one that no bridge takes.
 */
export async function tokenOf(options: Pick<PlaceArguments, "token" | "tokenFile">): Promise<string | undefined> {
  const found = await foundToken(options);
  if (found === undefined) return undefined;
  try {
    return checkedToken(found.token);
  } catch (error) {
    throw InvalidRequestError.is(error) ? new UsageError(`${found.place}: ${error.message}`) : error;
  }
}

/** A token, and where people find it. */
interface FoundToken {
  readonly token: string;
  readonly place: string;
}

async function foundToken({
  token,
  tokenFile,
}: Pick<PlaceArguments, "token" | "tokenFile">): Promise<FoundToken | undefined> {
  if (token !== undefined) return { token, place: "--token" };
  if (tokenFile === undefined) {
    const variable = process.env["RX_ISOCH_TOKEN"];
    return variable ? { token: variable, place: "RX_ISOCH_TOKEN" } : undefined;
  }
  try {
    const [line = ""] = (await readFile(tokenFile, "utf8")).split("\n");
    return { token: line.trim(), place: tokenFile };
  } catch (error) {
    throw fileSystemError(error, tokenFile);
  }
}
