import { of, takeUntil, tap, timer, type Observable } from "rxjs";
import { isochPipe, type FrameResult, type IsochRequest, type IsochResults } from "../../../src/index.js";
import { close, compact, issue } from "../../../operators/index.js";
import { libusb } from "../../../transports/libusb/index.js";
import { usbip } from "../../../transports/usbip/index.js";
import { connectTcp } from "../../../transports/usbip/tcp.js";
import { readCounter } from "../../../transports/virtual/index.js";

// node contestant.js TASK
// One way to take the stream of the counter device, on its own in a process.

/** What a contestant is told, in JSON. */
export interface Task {
  readonly way: "transfers" | "frames" | "javascript";
  /** Where the device is exported; without, it is the kernel's. */
  readonly remote?: { readonly host: string; readonly port: number; readonly busId: string } | undefined;
  readonly frames: number;
  readonly queue: number;
  readonly batch: number;
  /** Seconds to stream before any are measured. */
  readonly warmUp: number;
  /** Seconds to measure. */
  readonly seconds: number;
  /** Seconds to do nothing for, when measuring begins. */
  readonly stall: number;
}

/** What a contestant prints. */
export interface Outcome {
  /** What was measured, in seconds. */
  readonly seconds: number;
  /** Seconds of the processor, after the warm-up. */
  readonly cpu: number;
  /** Frames, after the warm-up. */
  readonly frames: number;
  /** Counters that are missing, from the first frame on. */
  readonly missing: number;
  /** Frames that were reported as lost, from the first frame on. */
  readonly lost: number;
}

const packetLength = 3072;
const task = JSON.parse(process.argv[2] ?? "") as Task;
const { frames, queue, batch, remote } = task;

let isStreaming = false;
let warmAt = NaN;
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
    warmAt = performance.now();
    cpu = process.cpuUsage();
    if (task.stall > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, task.stall * 1000);
  }, task.warmUp * 1000);
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

const streaming = { endpoint: 0x81, alternate: 1 };
const pipe =
  remote === undefined
    ? isochPipe(libusb(), { vendorId: 0x1209, productId: 0x0001, ...streaming })
    : isochPipe(usbip({ connect: connectTcp(remote) }), { id: remote.busId, ...streaming });
const options = { frames, queue, batch };
const ways: Readonly<Record<Task["way"], () => Observable<unknown>>> = {
  transfers: () => pipe.results(options).pipe(tap(takeTransfer)),
  frames: () =>
    pipe.results(options).pipe(
      tap((results) => {
        for (const frame of results) takeFrame(frame);
      }),
    ),
  javascript: () => of(requests()).pipe(issue(pipe, { queue }), compact(), close(), tap(takeTransfer)),
};
ways[task.way]()
  .pipe(takeUntil(timer((task.warmUp + task.seconds) * 1000)))
  .subscribe({
    complete: () => {
      const { user, system } = process.cpuUsage(cpu);
      const measured = (performance.now() - warmAt) / 1000;
      const outcome: Outcome = { seconds: measured, cpu: (user + system) / 1e6, frames: count, missing, lost };
      console.log(JSON.stringify(outcome));
    },
  });
