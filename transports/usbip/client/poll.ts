import { defer, map, Observable, repeat } from "rxjs";
import type { DeviceEvent, DeviceInfo } from "../../../src/index.js";
import { subscribeInner } from "../../../src/subscribe-inner.js";
import { deviceListReply, usbipStatus, type UsbipListedDevice } from "../protocol/index.js";
import { listedInfo } from "./device-info.js";
import { listRefused } from "./errors.js";
import { exchange, type ServerAccess } from "./exchange.js";
import { importKey } from "./imports.js";

/** Asks a server for its list. */
export function listDevices(access: ServerAccess): Observable<readonly UsbipListedDevice[]> {
  return exchange(access, { type: "device-list-request" }, deviceListReply).pipe(
    map(({ reply: { status, devices }, link }) => {
      link.destroy();
      if (status !== usbipStatus.ok) throw listRefused(status);
      return devices;
    }),
  );
}

/**
 * Tells of devices that come and go, by asking for the list again and again.
 *
 * @param interval milliseconds from an answer to the next question
 * @param imported the devices that this program has imported: a server may leave those out of its list
 */
export function pollDevices(
  list: Observable<readonly UsbipListedDevice[]>,
  interval: number,
  imported: () => ReadonlyMap<string, unknown>,
): Observable<DeviceEvent> {
  return new Observable<DeviceEvent>((subscriber) => {
    const known = new Map<string, DeviceInfo>();
    const changes = (devices: readonly UsbipListedDevice[]): DeviceEvent[] => {
      const listed = new Set(devices.map(importKey));
      const held = imported();
      const events: DeviceEvent[] = [];
      for (const [key, device] of known) {
        if (listed.has(key) || held.has(key)) continue;
        known.delete(key);
        events.push({ type: "detach", device });
      }
      for (const device of devices) {
        const key = importKey(device);
        if (known.has(key)) continue;
        const info = listedInfo(device);
        known.set(key, info);
        events.push({ type: "attach", device: info });
      }
      return events;
    };
    subscribeInner(defer(() => list).pipe(repeat({ delay: interval })), subscriber, {
      next: (devices) => {
        for (const event of changes(devices)) subscriber.next(event);
      },
    });
  });
}
