import { asyncScheduler, Observable } from "rxjs";
import { checkControl } from "../../../src/control.js";
import { TransportError, type ControlSetup, type IsochError } from "../../../src/index.js";
import { urbFlags, type UrbReplyHeader } from "../protocol/index.js";
import { requestFailed } from "./errors.js";
import type { PendingUrb, UrbConnection } from "./urb-connection.js";

/** Where a request goes. */
export interface ControlContext {
  readonly connection: UrbConnection;
  /** For messages. */
  readonly id: string;
  /** Milliseconds that the device has to answer. */
  readonly timeout: number;
}

/** Where the standard request types stand in bmRequestType (USB 2.0, 9.3, table 9-2). */
const requestTypes = { standard: 0x00, class: 0x20, vendor: 0x40 } as const;
const recipients = { device: 0, interface: 1, endpoint: 2, other: 3 } as const;
const deviceToHost = 0x80;
const nothing = new Uint8Array(0);

/**
 * A request on endpoint zero, at each subscription. It is not cut short by an unsubscribe. A request that
 * takes too long is taken back, which the connection outlives.
 *
 * @param to what it is for, up to the device: `get an answer to request 3 from`
 */
export function controlTransfer(
  { connection, id, timeout }: ControlContext,
  setup: ControlSetup,
  data: number | Uint8Array,
  to = `get an answer to the ${setup.type} request ${setup.request}, value ${setup.value}, index ${setup.index}, from`,
): Observable<Uint8Array> {
  return new Observable<Uint8Array>((subscriber) => {
    checkControl(setup, data);
    const length = typeof data === "number" ? data : data.length;
    // Without a data stage the direction is that of the status stage: Linux warns of any other.
    const isIn = typeof data === "number" && length > 0;
    const bytes = isIn ? new Uint8Array(length) : undefined;
    const end = (emit: () => void): void => {
      patience.unsubscribe();
      emit();
    };
    const fail = (error: IsochError): void => {
      end(() => {
        subscriber.error(error);
      });
    };
    const urb: PendingUrb = {
      direction: isIn ? "in" : "out",
      length,
      data: bytes,
      packets: 0,
      answered: ({ status, actualLength }: UrbReplyHeader) => {
        if (status !== 0) {
          fail(requestFailed(to, id, status));
          return;
        }
        end(() => {
          subscriber.next(bytes?.slice(0, actualLength) ?? nothing);
          subscriber.complete();
        });
      },
      unlinked: () => {
        fail(new TransportError("transport-failed", `could not ${to} ${id}: it did not answer within ${timeout} ms`));
      },
      failed: fail,
    };
    const seqnum = connection.submit(urb, {
      direction: urb.direction,
      endpoint: 0,
      flags: isIn ? urbFlags.directionIn : 0,
      length,
      startFrame: 0,
      interval: 0,
      setup: setupPacket(setup, length),
      packets: undefined,
      data: typeof data === "number" ? nothing : data,
    });
    const patience = asyncScheduler.schedule(() => {
      connection.unlink(seqnum);
    }, timeout);
  });
}

function setupPacket({ type, recipient, direction, request, value, index }: ControlSetup, length: number): Uint8Array {
  const requestType = requestTypes[type] | recipients[recipient] | (direction === "in" ? deviceToHost : 0);
  return Uint8Array.of(
    requestType,
    request,
    value & 0xff,
    value >> 8,
    index & 0xff,
    index >> 8,
    length & 0xff,
    length >> 8,
  );
}
