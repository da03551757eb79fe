import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { firstValueFrom, lastValueFrom, type Observable } from "rxjs";
import { IsochError, isochPipe, openDevice } from "rx-isoch";
import { libusb } from "rx-isoch/transports/libusb";
import type { IsochTransfer, StreamOptions, Submission, UsbDevice } from "../../../../../src/index.js";
import { PendingSubmission } from "../../../../../src/submission.js";
import type { AttachedCounter } from "../counter-devices.js";
import { endOf, exitStatus, startProcess, startWorker } from "./others.js";
import type { Random } from "./random.js";

/** What a cycle has to do with. */
export interface Stage {
  readonly random: Random;
  readonly counter: AttachedCounter;
  /** Another device in place of `counter`, which was unplugged. */
  readonly replace: () => Promise<void>;
}

export type Cycle = (stage: Stage) => Promise<void>;

/** Waits until it is over; says how it ended, if that was an error that a program has to expect. */
async function over(step: Observable<unknown>): Promise<string> {
  try {
    await lastValueFrom(step, { defaultValue: undefined });
    return "ok";
  } catch (error) {
    if (IsochError.is(error)) return error.code;
    throw error;
  }
}

function expectOneOf(got: string, ...expected: readonly string[]): void {
  if (!expected.includes(got)) throw new Error(`${got}, which is none of ${expected.join(", ")}`);
}

/** A moment that is now, later in this turn of the loop, or some milliseconds later. */
async function moment(random: Random, most: number): Promise<void> {
  if (random.chance(0.15)) return;
  if (random.chance(0.15)) await Promise.resolve();
  else await sleep(random.between(0, most));
}

function streamOptions(random: Random): StreamOptions {
  return {
    frames: random.pick([1, 2, 8, 16, 130]),
    queue: random.between(1, 8),
    ring: random.pick([1, 2, 3, 200]),
    overflow: random.pick(["error", "drop-oldest", "drop-newest"]),
    frameLength: random.pick([1, 64, 1023]),
  };
}

/** Options of a stream that does not end by itself, however late its results are taken. */
function endless(random: Random): StreamOptions {
  return { ...streamOptions(random), overflow: random.pick(["drop-oldest", "drop-newest"]) };
}

function selectorOf({ counter }: Stage) {
  return { vendorId: 0x1209, serialNumber: counter.serialNumber };
}

/** Keeps the loop from taking anything. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A stream that is left at any moment, while it opens as well. */
async function stream(stage: Stage): Promise<void> {
  const { random } = stage;
  const pipe = isochPipe(libusb(), { ...selectorOf(stage), endpoint: 0x81 });
  let ended = "ok";
  let results = 0;
  const leaveAfter = random.chance(0.3) ? random.between(1, 5) : Infinity;
  const subscription = pipe.results(streamOptions(random)).subscribe({
    next: () => {
      if (++results >= leaveAfter) subscription.unsubscribe();
    },
    error: (error: unknown) => {
      ended = IsochError.is(error) ? error.code : String(error);
    },
  });
  await moment(random, 120);
  if (random.chance(0.2)) block(random.between(5, 60));
  subscription.unsubscribe();
  expectOneOf(ended, "ok", "overflow");
  expectOneOf(await over(pipe.closing), "ok");
}

/** Requests in both directions, with aborts and closes in any order. */
async function requests(stage: Stage): Promise<void> {
  const { random } = stage;
  const device = await new Promise<UsbDevice>((next, error) => {
    // It is closed by hand: an unsubscribe would close it.
    openDevice(libusb(), selectorOf(stage)).subscribe({ next, error });
  });
  const isIn = random.chance(0.5);
  const session = await firstValueFrom(device.openPipe({ endpoint: isIn ? 0x81 : 0x01 }));
  const transfers: IsochTransfer[] = [];
  for (let i = random.between(0, 12); i > 0; i--) {
    const frames = random.between(1, 40);
    const lengths = random.between(1, 1023);
    transfers.push(session.issue({ frames, lengths, buffer: new Uint8Array(frames * lengths).fill(i) }));
    if (random.chance(0.2)) await moment(random, 20);
    if (random.chance(0.2)) random.pick(transfers).abort();
  }
  const steps = [
    () => {
      session.abort();
    },
    () => void session.close(),
    () => void device.close(),
    ...random.shuffled(transfers).map((transfer) => () => {
      if (random.chance(0.5)) transfer.abort();
      else transfer.close();
    }),
  ];
  for (const step of random.shuffled(steps)) {
    if (random.chance(0.3)) await moment(random, 20);
    step();
  }
  for (const transfer of transfers) expectOneOf(await over(transfer.released), "ok");
  expectOneOf(await over(device.close()), "ok");
}

/** The transport without the care that the core takes of it: a close in the middle of everything. */
async function raw(stage: Stage): Promise<void> {
  const { random } = stage;
  const device = await firstValueFrom(libusb().open(selectorOf(stage)));
  if (random.chance(0.9)) await over(device.claimInterface(0));
  if (random.chance(0.9)) await over(device.selectAlternate(0, 2));
  const use = () => {
    try {
      const port = device.openEndpoint(0x81);
      if (random.chance(0.5)) port.submit(submission(random));
      const memory = random.chance(0.3) ? port.allocateDma?.(4096) : undefined;
      if (random.chance(0.5)) memory?.free();
      if (random.chance(0.7)) {
        const plan = {
          frameLength: 64,
          frames: 8,
          queue: 4,
          ring: 2,
          batch: 1,
          overflow: "drop-oldest",
          start: "asap",
        } as const;
        const source = port.stream?.(plan, { ready: () => undefined, drained: () => undefined });
        if (random.chance(0.3)) source?.stop();
      }
      return port;
    } catch (error) {
      if (!IsochError.is(error)) throw error;
      return undefined;
    }
  };
  const port = use();
  const before = random.chance(0.3) ? over(device.reset()) : Promise.resolve("ok");
  await moment(random, 30);
  const closing = over(device.close());
  // Too late, and told so.
  await moment(random, 10);
  for (const ask of [() => port?.submit(submission(random)), () => port?.allocateDma?.(4096)]) {
    try {
      ask();
    } catch (error) {
      if (!IsochError.is(error)) throw error;
    }
  }
  await before;
  expectOneOf(await closing, "ok");
}

function submission(random: Random): Submission {
  const frames = random.between(1, 30);
  return new PendingSubmission({
    lengths: new Uint32Array(frames).fill(64),
    buffer: new Uint8Array(64 * frames),
    start: "asap",
    completed: () => undefined,
  });
}

/** The list of devices, which is left while it is made. */
async function list({ random }: Stage): Promise<void> {
  const subscriptions = Array.from({ length: random.between(1, 3) }, () => libusb().devices().subscribe());
  await moment(random, 40);
  for (const subscription of subscriptions) {
    subscription.unsubscribe();
    if (random.chance(0.5)) await moment(random, 10);
  }
}

/** The device goes in the middle of a stream; then another one comes, or it comes back. */
async function unplug(stage: Stage): Promise<void> {
  const { random, counter } = stage;
  const pipe = isochPipe(libusb(), { ...selectorOf(stage), endpoint: 0x81 });
  let results = 0;
  const ended = new Promise<string>((resolve) => {
    pipe.results(endless(random)).subscribe({
      next: () => {
        results++;
      },
      error: (error: unknown) => {
        resolve(IsochError.is(error) ? error.code : String(error));
      },
    });
  });
  const watching = libusb().devices().subscribe();
  await moment(random, 150);
  const isReplug = random.chance(0.5);
  if (isReplug) await counter.detach();
  else await counter.unplug();
  const how = await ended;
  // While it opens, libusb may meet it half gone before anybody has said that it is.
  const halfGone = ["no-such-device", "transport-failed", "control-stalled", "no-such-endpoint", "not-configured"];
  expectOneOf(how, "device-gone", ...(results > 0 ? [] : halfGone));
  await over(pipe.closing);
  watching.unsubscribe();
  if (isReplug) await counter.attach();
  else await stage.replace();
}

/** Another process has the interface; it is killed, or exits while it streams. */
async function held(stage: Stage): Promise<void> {
  const { random, counter } = stage;
  const isKilled = random.chance(0.5);
  const child = await startProcess({
    serialNumber: counter.serialNumber,
    options: endless(random),
    ...(isKilled ? {} : { exitAfter: random.between(0, 400) }),
  });
  if (isKilled) {
    const pipe = isochPipe(libusb(), { ...selectorOf(stage), endpoint: 0x81 });
    expectOneOf(await over(pipe.results()), "interface-busy");
    await over(pipe.closing);
    child.kill("SIGKILL");
  }
  expectOneOf(String(await endOf(child)), isKilled ? "SIGKILL" : String(exitStatus));
}

/** A thread is terminated while it opens, or while it streams. */
async function terminate({ random, counter }: Stage): Promise<void> {
  const worker = startWorker({ serialNumber: counter.serialNumber, options: endless(random) });
  const streaming = once(worker, "message");
  if (random.chance(0.7)) {
    await streaming;
    await moment(random, 60);
  } else {
    streaming.catch(() => undefined);
    await once(worker, "online");
    await moment(random, 600);
  }
  await worker.terminate();
}

/** Cycles by name, each with how often it comes. */
export const cycles: Readonly<Record<string, { readonly weight: number; readonly run: Cycle }>> = {
  stream: { weight: 40, run: stream },
  requests: { weight: 22, run: requests },
  raw: { weight: 16, run: raw },
  list: { weight: 8, run: list },
  unplug: { weight: 7, run: unplug },
  terminate: { weight: 5, run: terminate },
  held: { weight: 2, run: held },
};
