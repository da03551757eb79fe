import { map, type Observable } from "rxjs";
import type { FrameResult, IsochRequest, UsbDevice } from "../../index.js";
import {
  counterProtocol,
  readCounter,
  writeCounter,
  type CounterStatistics,
} from "../../../transports/virtual/index.js";

/** What became of the counters in the packets of a counter device. */
export interface CounterCheck {
  /** Packets whose counter is the one their frame should have: as far from the one before as the frames are apart. */
  readonly inSequence: number;
  /** Counters that were left out although their frame was not lost. */
  readonly skipped: number;
  /** Packets whose counter is behind what it should be. */
  readonly wrong: number;
  /** The last counter, less its frame. */
  readonly offset: number | undefined;
}

/** A check that has seen nothing yet. */
export const noCounters: CounterCheck = { inSequence: 0, skipped: 0, wrong: 0, offset: undefined };

/**
 * Takes a frame into the check. Packets that failed, and those too short for a counter, prove nothing;
 * behind a loss of estimated length the counters begin anew.
 */
export function checkCounter(
  check: CounterCheck,
  { frame, status, data }: FrameResult,
  estimatedLosses: boolean,
): CounterCheck {
  if (status === "lost" && estimatedLosses) return { ...check, offset: undefined };
  const counter = status === "ok" ? readCounter(data) : undefined;
  if (counter === undefined) return check;
  const offset = counter - frame;
  const ahead = offset - (check.offset ?? offset);
  if (ahead === 0) return { ...check, offset, inSequence: check.inSequence + 1 };
  if (ahead > 0) return { ...check, offset, skipped: check.skipped + ahead };
  return { ...check, offset, wrong: check.wrong + 1 };
}

/** Requests without end for an OUT endpoint, with a counter in every packet. */
export function* counterRequests(length: number, frames: number): Generator<IsochRequest> {
  for (let counter = 0; ;) {
    const buffer = new Uint8Array(length * frames);
    for (let offset = 0; offset < buffer.length; offset += length) writeCounter(buffer, counter++, offset);
    yield { lengths: length, frames, buffer };
  }
}

/** What a counter device has seen before anything was sent. */
export const noStatistics: CounterStatistics = { packets: 0, mismatches: 0, short: 0 };

/** Asks a counter device what it has seen on its OUT endpoint. */
export function counterStatistics(device: UsbDevice): Observable<CounterStatistics> {
  const request = { type: "vendor", recipient: "device", request: counterProtocol.getStatistics } as const;
  return device.controlTransfer({ ...request, direction: "in", value: 0, index: 0 }, 12).pipe(
    map((bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return {
        packets: view.getUint32(0, true),
        mismatches: view.getUint32(4, true),
        short: view.getUint32(8, true),
      };
    }),
  );
}
