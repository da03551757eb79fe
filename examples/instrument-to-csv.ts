/**
 * An instrument into a table: each frame of half a second is a line of CSV, with what became of it and the number in
 * it. The instrument is a virtual one, which fails for 12 frames, and the program is held up for 200 ms;
 * `instrument-to-csv table.csv 1234:5678 0x82` takes a real one, and its endpoint.
 */
import { createWriteStream } from "node:fs";
import { isochPipe, type FrameResult } from "rx-isoch";
import { frames, gaps } from "rx-isoch/operators";
import { writeTo } from "rx-isoch/operators/node";
import { libusb } from "rx-isoch/transports/libusb";
import { counterDevice, readCounter, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { fromEvent, map, startWith, Subject, take, takeUntil, tap } from "rxjs";

const [file = "counters.csv", device, endpoint = "0x81"] = process.argv.slice(2);
const [vendorId, productId] = (device ?? "1209:0001").split(":").map((number) => parseInt(number, 16));

function virtualInstrument(): VirtualBus {
  const bus = new VirtualBus({ clock: unpacedClock() });
  bus
    .attach(counterDevice())
    .inject(
      { type: "packet", endpoint: 0x81, frame: 1000, frames: 12, status: "crc" },
      { type: "host-stall", frame: 2000, frames: 1600 },
    );
  return bus;
}

/** What is in a packet, the instrument says: here 64 bits that count. */
function line({ frame, status, data }: FrameResult): string {
  return `${frame},${status},${status === "ok" ? (readCounter(data) ?? "") : ""}\n`;
}

const transport = device === undefined ? virtualInstrument() : libusb();
/** A slow disk pauses the pipe, and fills no memory. */
const pause = new Subject<boolean>();
const counts = { good: 0, bad: 0, lost: 0 };

const halfSecond = isochPipe(transport, { vendorId, productId, endpoint: Number(endpoint) })
  .results({ pause })
  .pipe(gaps(), frames(), take(4000), takeUntil(fromEvent(process, "SIGINT")));

halfSecond
  .pipe(
    tap(({ status }) => counts[status === "ok" ? "good" : status === "lost" ? "lost" : "bad"]++),
    map(line),
    startWith("frame,status,counter\n"),
    // A transfer is 64 lines, and a pipe that is paused ends the one that it is at.
    writeTo(createWriteStream(file), { queue: 8192, pause }),
  )
  .subscribe({
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
    complete: () => {
      console.log(`${file}: ${counts.good} frames good, ${counts.bad} bad, ${counts.lost} lost`);
    },
  });
