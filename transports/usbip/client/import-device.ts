import { concat, defer, ignoreElements, mergeMap, Observable, of } from "rxjs";
import { subscribeInner } from "../../../src/subscribe-inner.js";
import { handleClosed } from "../../../src/device-errors.js";
import { importReply, type UsbipDevice } from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";
import { controlTransfer } from "./control.js";
import { describeDevice } from "./describe.js";
import { deviceIdOf, importedInfo } from "./device-info.js";
import { importRefused } from "./errors.js";
import { exchange, type ServerAccess } from "./exchange.js";
import { RemoteDevice, selectedConfiguration, standardOut } from "./remote-device.js";
import { UrbConnection } from "./urb-connection.js";

/** bRequest (USB 2.0, table 9-4). */
const setConfiguration = 9;

/**
 * Imports a device over a connection of its own, reads its descriptors, and emits it: it is the
 * subscriber's to close. An unsubscribe before that closes the connection.
 */
export function importDevice(access: ServerAccess, busId: string): Observable<RemoteDevice> {
  return new Observable<RemoteDevice>((subscriber) => {
    let connection: UrbConnection | undefined;
    let isHandedOver = false;
    subscriber.add(() => {
      if (!isHandedOver) void connection?.close(handleClosed(busId));
    });
    const imported = exchange(access, { type: "import-request", busId }, importReply).pipe(
      mergeMap(({ reply, link }) => {
        const { device, status } = reply;
        if (device?.busId !== busId) {
          link.destroy();
          throw device === undefined
            ? importRefused(busId, status)
            : protocolError(`handed out ${device.busId}, not ${busId}`);
        }
        connection = new UrbConnection(link, { id: busId, deviceId: deviceIdOf(device), timeout: access.timeout });
        return attend(connection, device, access.timeout);
      }),
    );
    subscribeInner(imported, subscriber, {
      next: (remote) => {
        isHandedOver = true;
        subscriber.next(remote);
      },
    });
  });
}

/** What a host does with a device that is new to it. */
function attend(connection: UrbConnection, device: UsbipDevice, timeout: number): Observable<RemoteDevice> {
  return defer(() => {
    connection.open();
    const context = { connection, id: device.busId, timeout };
    return describeDevice(
      (setup, length) => controlTransfer(context, setup, length, "read the descriptors of"),
      device.configurationCount,
    ).pipe(
      mergeMap((description) => {
        const info = importedInfo(device, description);
        const value = device.configurationValue || (description.configurations[0]?.value ?? 0);
        const configuration = selectedConfiguration(info, value);
        const remote = defer(() => of(new RemoteDevice({ connection, info, configuration, timeout })));
        if (device.configurationValue !== 0) return remote;
        const setup = standardOut("device", setConfiguration, value, 0);
        return concat(controlTransfer(context, setup, new Uint8Array(0), "configure").pipe(ignoreElements()), remote);
      }),
    );
  });
}
