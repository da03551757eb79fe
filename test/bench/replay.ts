import { firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import { isochPipe } from "../../src/index.js";
import { recorded, replay } from "../../transports/replay/index.js";
import { counterDevice, counterProtocol, unpacedClock, VirtualBus } from "../../transports/virtual/index.js";

const bytes = 500e6;

/** How a long capture in memory was opened. */
export interface Opening {
  /** Seconds. */
  readonly time: number;
  /** The longest that the program had to wait for its turn meanwhile: milliseconds. */
  readonly longestTurn: number;
  /** Milliseconds from an unsubscribe in the middle to the next turn of the program. */
  readonly cancelled: number;
}

/** Opens a capture of 500 MB, of transfers of so many frames. */
export async function measureOpening(speed: "full" | "high", frames: number): Promise<Opening> {
  const capture = await longCapture(speed, frames);
  const begun = performance.now();
  const watch = new Watch();
  await firstValueFrom(replay(capture).summary());
  const time = (performance.now() - begun) / 1000;
  const longestTurn = watch.stop();
  const opening = replay(capture).summary().subscribe();
  await turn();
  const left = performance.now();
  opening.unsubscribe();
  await turn();
  return { time, longestTurn, cancelled: performance.now() - left };
}

/** A short capture, and its transfers again and again. */
async function longCapture(speed: "full" | "high", frames: number): Promise<Uint8Array> {
  const transport = recorded(new VirtualBus({ clock: unpacedClock(), devices: [counterDevice({ speed })] }));
  const chunks: Uint8Array[] = [];
  const recording = transport.capture.subscribe((chunk) => chunks.push(chunk));
  const pipe = isochPipe(transport, { endpoint: counterProtocol.inEndpoint });
  await lastValueFrom(pipe.results({ frames, queue: 1 }).pipe(take(8), toArray()));
  recording.unsubscribe();
  const capture = new Uint8Array(bytes);
  let at = 0;
  for (let i = 0; ; i = i + 1 < chunks.length ? i + 1 : 1) {
    const chunk = chunks[i] ?? new Uint8Array(0);
    if (at + chunk.length > bytes) return capture.subarray(0, at);
    capture.set(chunk, at);
    at += chunk.length;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Sees how long the turns of the event loop are. */
class Watch {
  #last = performance.now();
  #longest = 0;
  #isOver = false;

  constructor() {
    const look = () => {
      this.#look();
      if (!this.#isOver) setImmediate(look);
    };
    setImmediate(look);
  }

  /** The longest, in milliseconds. */
  stop(): number {
    this.#isOver = true;
    this.#look();
    return this.#longest;
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}
