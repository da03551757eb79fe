/**
 * Nothing lost silently: a device that drops packets, on a program that stalls. Every frame of a
 * second of bus time is accounted for, as good, failed, or lost.
 */
import { isochPipe, type FrameStatus } from "rx-isoch";
import { frames, gaps } from "rx-isoch/operators";
import { counterDevice, counterProtocol, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { reduce, take } from "rxjs";

const { vendorId, productId, inEndpoint } = counterProtocol;
const bus = new VirtualBus({ clock: unpacedClock() });
bus
  .attach(counterDevice())
  .inject(
    { type: "packet", endpoint: inEndpoint, frame: 1000, frames: 12, status: "crc" },
    { type: "host-stall", frame: 4000, frames: 1600 },
  );

isochPipe(bus, { vendorId, productId, endpoint: inEndpoint })
  .results({ frames: 64, queue: 8 })
  .pipe(
    gaps(),
    frames(),
    take(8000),
    reduce((counts, { status }) => counts.set(status, (counts.get(status) ?? 0) + 1), new Map<FrameStatus, number>()),
  )
  .subscribe({
    next: (counts) => {
      for (const [status, count] of counts) console.log(`${status.padEnd(5)} ${count}`);
    },
    error: console.error,
  });
