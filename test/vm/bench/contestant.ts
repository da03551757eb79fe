import { of, takeUntil, tap, timer, type Observable } from "rxjs";
import { isochPipe, type FrameResult, type IsochRequest, type IsochResults } from "../../../src/index.js";
import { close, compact, issue } from "../../../operators/index.js";
import { libusb } from "../../../transports/libusb/index.js";
import { readCounter } from "../../../transports/virtual/index.js";

// node contestant.js KIND FRAMES QUEUE SECONDS STALL
// One way to take the stream of the counter device, on its own in a process; it prints what it cost.

const packetLength = 3072;
const [kind, frames, queue, seconds, stall] = process.argv.slice(2);

/** What a contestant prints. */
export interface Outcome {
  /** Seconds of the processor, from the first result on. */
  readonly cpu: number;
  readonly frames: number;
  /** Counters that are missing. */
  readonly missing: number;
  /** Frames that were reported as lost. */
  readonly lost: number;
}

let cpu: NodeJS.CpuUsage | undefined;
let count = 0;
let missing = 0;
let lost = 0;
let expected: number | undefined;

function begin(): void {
  if (cpu !== undefined) return;
  cpu = process.cpuUsage();
  if (Number(stall) > 0) {
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(stall) * 1000), 1000);
  }
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
  for (;;) yield { lengths: packetLength, frames: Number(frames) };
}

const pipe = isochPipe(libusb(), { vendorId: 0x1209, productId: 0x0001, endpoint: 0x81, alternate: 1 });
const options = { frames: Number(frames), queue: Number(queue) };
const stop = timer(Number(seconds) * 1000);
const ways: Readonly<Record<string, () => Observable<unknown>>> = {
  transfers: () => pipe.results(options).pipe(tap(takeTransfer)),
  frames: () =>
    pipe.results(options).pipe(
      tap((results) => {
        for (const frame of results) takeFrame(frame);
      }),
    ),
  javascript: () => of(requests()).pipe(issue(pipe, { queue: Number(queue) }), compact(), close(), tap(takeTransfer)),
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
