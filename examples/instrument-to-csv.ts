/**
 * An instrument into a table: a counter in each packet of a device that drops some of them becomes a line
 * of CSV, and so does each loss. Half a second of bus time; a slow disk would pause the pipe, not fill the
 * memory.
 */
import { createWriteStream } from "node:fs";
import { isochPipe, type FrameResult } from "rx-isoch";
import { frames, gaps } from "rx-isoch/operators";
import { writeTo } from "rx-isoch/operators/node";
import { counterDevice, counterProtocol, readCounter, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { map, startWith, Subject, take, tap } from "rxjs";

const { vendorId, productId, inEndpoint } = counterProtocol;
const [file = "counters.csv"] = process.argv.slice(2);
const bus = new VirtualBus({ clock: unpacedClock() });
bus
  .attach(counterDevice())
  .inject(
    { type: "packet", endpoint: inEndpoint, frame: 1000, frames: 12, status: "crc" },
    { type: "host-stall", frame: 2000, frames: 1600 },
  );

function line({ frame, status, data }: FrameResult): string {
  return `${frame},${status},${status === "ok" ? (readCounter(data) ?? "") : ""}\n`;
}

const pause = new Subject<boolean>();
let lost = 0;

isochPipe(bus, { vendorId, productId, endpoint: inEndpoint })
  .results({ frames: 64, queue: 8, pause })
  .pipe(
    gaps(),
    frames(),
    take(4000),
    tap(({ status }) => {
      if (status !== "ok") lost++;
    }),
    map(line),
    startWith("frame,status,counter\n"),
    // A transfer is 64 lines, and a pipe that is paused ends the one that it is at.
    writeTo(createWriteStream(file), { queue: 8192, pause }),
  )
  .subscribe({
    error: console.error,
    complete: () => {
      console.log(`4000 frames, ${lost} of them lost or bad`);
    },
  });
