/**
 * Nothing lost silently: every one of 8,000 frames is accounted for, as good, failed, or lost. The device is a virtual
 * one that drops packets, on a program that stalls; `loss-report 1234:5678 0x82` looks at a real one, and its endpoint.
 */
import { isochPipe, type FrameStatus } from "rx-isoch";
import { frames, gaps } from "rx-isoch/operators";
import { libusb } from "rx-isoch/transports/libusb";
import { counterDevice, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { reduce, take } from "rxjs";

const [device, endpoint = "0x81"] = process.argv.slice(2);
const [vendorId, productId] = (device ?? "1209:0001").split(":").map((number) => parseInt(number, 16));

function faultyBus(): VirtualBus {
  const bus = new VirtualBus({ clock: unpacedClock() });
  bus
    .attach(counterDevice())
    .inject(
      { type: "packet", endpoint: 0x81, frame: 1000, frames: 12, status: "crc" },
      { type: "host-stall", frame: 4000, frames: 1600 },
    );
  return bus;
}

isochPipe(device === undefined ? faultyBus() : libusb(), { vendorId, productId, endpoint: Number(endpoint) })
  .results()
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
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  });
