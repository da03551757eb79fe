import { spawnSync } from "node:child_process";
import { findProgram } from "./requirements.js";

/**
 * A network of host and guest alone, which QEMU makes and which goes with it. Other than the network
 * that QEMU plays in user mode it has segments of 64 KiB and windows as large as the sockets, so that
 * devices of the host reach the guest several times faster.
 */
export interface Link {
  /** The name of the interface on the host. */
  readonly name: string;
  /** The address of the host on it. */
  readonly host: string;
  /** The address of the guest on it. */
  readonly guest: string;
}

/** The bits of the network's addresses that are the same. */
export const linkPrefix = 30;

/** The link of this process, or `undefined` where this user may make none. */
export function findLink(): Link | undefined {
  const name = `rxvm${process.pid}`;
  const busybox = findProgram("busybox");
  if (process.getuid?.() !== 0 || busybox === undefined) return undefined;
  const tunctl = (option: string): boolean => spawnSync(busybox, ["tunctl", option, name]).status === 0;
  if (!tunctl("-t") || !tunctl("-d")) return undefined;
  // Four addresses for each process out of those that are set aside for measurements (RFC 2544).
  const first = (process.pid % 0x8000) * 4;
  const address = (offset: number): string =>
    [198, 18 + ((first >> 16) & 1), (first >> 8) & 0xff, (first & 0xff) + offset].join(".");
  return { name, host: address(1), guest: address(2) };
}

/** What QEMU runs once it has made the interface. */
export const linkScript = ({ host }: Link): string =>
  `#!/bin/sh\nbusybox ip address add ${host}/${linkPrefix} dev "$1" && busybox ip link set "$1" up\n`;
