import { defer, map, Observable, repeat } from "rxjs";
import type { DeviceEvent, DeviceInfo } from "../../../src/index.js";
import { subscribeInner } from "../../../src/subscribe-inner.js";
import { deviceListReply, usbipStatus, type UsbipListedDevice } from "../protocol/index.js";
import { listedInfo } from "./device-info.js";
import { listRefused } from "./errors.js";
import { exchange, type ServerAccess } from "./exchange.js";
import { importKey, type Imports } from "./imports.js";

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
 * @param imports what this program has imported: a server may leave that out of its list
 */
export function pollDevices(
  list: Observable<readonly UsbipListedDevice[]>,
  interval: number,
  imports: Pick<Imports, "present" | "holds">,
): Observable<DeviceEvent> {
  return new Observable<DeviceEvent>((subscriber) => {
    const known = new Map<string, DeviceInfo>();
    const changes = (devices: readonly UsbipListedDevice[]): DeviceEvent[] => {
      const present = new Map(devices.map((device) => [importKey(device), listedInfo(device)]));
      for (const [key, info] of imports.present) present.set(key, present.get(key) ?? info);
      const events: DeviceEvent[] = [];
      for (const [key, device] of known) {
        if (present.has(key) || imports.holds(key)) continue;
        known.delete(key);
        events.push({ type: "detach", device });
      }
      for (const [key, device] of present) {
        if (known.has(key)) continue;
        known.set(key, device);
        events.push({ type: "attach", device });
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
