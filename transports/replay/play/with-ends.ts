import type { ResultSource } from "../../../src/index.js";
import { lossAtEnd } from "../../../src/results.js";
import type { LossAtEnd } from "./feed.js";

/** What a capture says was lost where there is no frame on the other side of it. */
export interface Ends {
  /** Microseconds. */
  now(): number;
  /** Before the first frame, once that is there. */
  lead(): LossAtEnd | undefined;
  /** After the last, once there are no more. */
  tail(): LossAtEnd | undefined;
}

/** A stream with what was lost before its first frame and after its last. */
export function withEnds(source: ResultSource, ends: Ends): ResultSource {
  let isTailTold = false;
  const untoldTail = () => (isTailTold ? undefined : withLoss(ends.tail()));
  const takeTail = ({ next, lost }: LossAtEnd, before: number) => {
    isTailTold = true;
    return lossAtEnd(next, before + lost, ends.now());
  };
  return {
    take: () => {
      const results = source.take();
      const tail = untoldTail();
      if (results === undefined) {
        return tail !== undefined && source.ended !== undefined ? takeTail(tail, 0) : undefined;
      }
      const { firstFrame, lost } = results;
      const lead = ends.lead();
      const before = lost + (lead?.next === firstFrame - lost ? lead.lost : 0);
      // The last of all, with what the ring had no room for.
      if (results.length === 0 && tail !== undefined) return takeTail(tail, before);
      return before === lost ? results : results.withLost(before);
    },
    get ended() {
      return untoldTail() === undefined ? source.ended : undefined;
    },
    stop: () => {
      source.stop();
    },
  };
}

function withLoss(end: LossAtEnd | undefined): LossAtEnd | undefined {
  return end === undefined || end.lost === 0 ? undefined : end;
}
