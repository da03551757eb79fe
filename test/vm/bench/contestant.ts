import { of, takeUntil, tap, timer, type Observable } from "rxjs";
import { isochPipe, type FrameResult, type IsochRequest, type IsochResults } from "../../../src/index.js";
import { close, compact, issue } from "../../../operators/index.js";
import { libusb } from "../../../transports/libusb/index.js";
import { readCounter } from "../../../transports/virtual/index.js";

// node contestant.js KIND FRAMES QUEUE BATCH WARM_UP SECONDS STALL
// One way to take the stream of the counter device, on its own in a process. It streams for WARM_UP seconds and then
// for SECONDS, of which it prints what they cost; with a STALL, it does nothing for so many of them.

const packetLength = 3072;
const [kind, ...numbers] = process.argv.slice(2);
const [frames = 0, queue = 0, batch = 1, warmUp = 0, seconds = 0, stall = 0] = numbers.map(Number);

/** What a contestant prints. */
export interface Outcome {
  /** Seconds of the processor, after the warm-up. */
  readonly cpu: number;
  /** Frames, after the warm-up. */
  readonly frames: number;
  /** Counters that are missing, from the first frame on. */
  readonly missing: number;
  /** Frames that were reported as lost, from the first frame on. */
  readonly lost: number;
}

let isStreaming = false;
let cpu: NodeJS.CpuUsage | undefined;
let count = 0;
let missing = 0;
let lost = 0;
let expected: number | undefined;

function begin(): void {
  if (isStreaming) return;
  isStreaming = true;
  setTimeout(() => {
    count = 0;
    cpu = process.cpuUsage();
    if (stall > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stall * 1000);
  }, warmUp * 1000);
}

function takeTransfer(results: IsochResults): void {
  begin();
  lost += results.lost;
  count += results.served;
  const first = results.bytesTransferred > 0 ? readCounter(results.data) : undefined;
  if (first === undefined) return;
  missing += expected === undefined ? 0 : first - expected;
  expected = first + results.served;
}

let next: number | undefined;

function takeFrame({ frame, status, data }: FrameResult): void {
  begin();
  if (next !== undefined) lost += frame - next;
  next = frame + 1;
  if (status !== "ok") return;
  count++;
  const counter = readCounter(data) ?? NaN;
  missing += expected === undefined ? 0 : counter - expected;
  expected = counter + 1;
}

function* requests(): Generator<IsochRequest> {
  for (;;) yield { lengths: packetLength, frames };
}

const pipe = isochPipe(libusb(), { vendorId: 0x1209, productId: 0x0001, endpoint: 0x81, alternate: 1 });
const options = { frames, queue, batch };
const stop = timer((warmUp + seconds) * 1000);
const ways: Readonly<Record<string, () => Observable<unknown>>> = {
  transfers: () => pipe.results(options).pipe(tap(takeTransfer)),
  frames: () =>
    pipe.results(options).pipe(
      tap((results) => {
        for (const frame of results) takeFrame(frame);
      }),
    ),
  javascript: () => of(requests()).pipe(issue(pipe, { queue }), compact(), close(), tap(takeTransfer)),
};
const way = ways[kind ?? ""];
if (way === undefined) throw new Error(`no contestant is called ${kind ?? ""}`);
way()
  .pipe(takeUntil(stop))
  .subscribe({
    complete: () => {
      const { user, system } = process.cpuUsage(cpu);
      const outcome: Outcome = { cpu: (user + system) / 1e6, frames: count, missing, lost };
      console.log(JSON.stringify(outcome));
    },
  });
