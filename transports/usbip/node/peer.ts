import { isIPv6, type Socket } from "node:net";

/** An address and a port as they are written together. */
export function hostAndPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Who is at the other end of a socket; none where that is gone already. */
export function peerOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, "remoteAddress" | "remotePort">): string | undefined {
  return remoteAddress === undefined ? undefined : hostAndPort(remoteAddress, remotePort ?? 0);
}
