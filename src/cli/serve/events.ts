import type { ServeEvent } from "../../../transports/usbip/serve.js";
import { identityOf } from "../device-identity.js";
import { nameOf } from "../names.js";

/** An event as a line for people. */
export function eventText(event: ServeEvent): string {
  switch (event.type) {
    case "listening":
      return event.carrier === "tcp"
        ? `listening for USB/IP at ${at(event.address)}`
        : `listening for WebSockets at ${event.address.url}`;
    case "connected":
      return `connected: ${peerOf(event.peer)} by ${event.carrier}`;
    case "disconnected":
      return `disconnected: ${peerOf(event.peer)}${event.error === undefined ? "" : `: ${event.error.message}`}`;
    case "imported":
      return `imported: ${nameOf({ info: event.device })} by ${peerOf(event.peer)}`;
    case "released":
      return `released: ${nameOf({ info: event.device })} by ${peerOf(event.peer)}`;
    case "refused":
      return `refused: ${peerOf(event.peer)}: ${event.error.message}`;
    case "failed":
      return `no more devices by ${event.transport}: ${event.error.code}: ${event.error.message}`;
  }
}

/** An event as plain data: a line in the output of `--json`. */
export function eventRecord(event: ServeEvent): object {
  if ("device" in event) return { ...event, device: identityOf(event.device) };
  if (!("error" in event) || event.error === undefined) return event;
  const { code, message } = event.error;
  return { ...event, error: { code, message } };
}

function at({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function peerOf(peer: string | undefined): string {
  return peer ?? "somebody";
}
