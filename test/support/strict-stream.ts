import type { IsochResults, ResultSource, StreamSink } from "../../src/index.js";

/**
 * Stands between a stream that a transport runs by itself and its consumer, and checks what both owe
 * each other.
 *
 * @param start starts the stream
 * @param over called when the stream is drained, or could not be started
 */
export function strictStream(
  start: (sink: StreamSink) => ResultSource,
  sink: StreamSink,
  check: (holds: boolean, message: string) => void,
  over: () => void,
): ResultSource {
  let state: "starting" | "running" | "stopped" | "over" = "starting";
  let isTaking = false;
  let next: number | undefined;
  let isLast = false;
  let latest: { readonly results: IsochResults; readonly copy: Uint8Array } | undefined;
  let ended: ResultSource["ended"];

  const checkLatest = () => {
    const isSame = latest === undefined || Buffer.compare(latest.results.data, latest.copy) === 0;
    check(isSame, "a result was touched after it was taken");
  };
  const checkResults = (results: IsochResults) => {
    const { firstFrame, served, lost, length, compacted, data, bytesTransferred } = results;
    checkLatest();
    latest = { results, copy: data.slice() };
    check(ended === undefined && !isLast, "a result after the end");
    check(compacted && data.length === bytesTransferred, "a result that is not contiguous");
    check(firstFrame - lost === (next ?? Math.max(0, firstFrame - lost)), "frames that are missing, or given twice");
    check(served > 0 || (length === 0 && lost > 0), "a result without a frame, and without a loss");
    isLast = length === 0;
    next = firstFrame + served;
  };
  const end = () => {
    state = "over";
    over();
  };

  let source: ResultSource;
  try {
    source = start({
      ready: () => {
        check(state === "running", `ready, and the stream is ${state}`);
        check(!isTaking, "ready within take");
        sink.ready();
      },
      drained: () => {
        check(state === "stopped", `drained, and the stream is ${state}`);
        check(!isTaking, "drained within take");
        checkLatest();
        end();
        sink.drained();
      },
    });
  } catch (error) {
    end();
    throw error;
  }
  state = "running";
  return {
    take: () => {
      isTaking = true;
      const results = source.take();
      isTaking = false;
      if (results !== undefined) checkResults(results);
      return results;
    },
    get ended() {
      const before = ended;
      ended = source.ended;
      if (before !== undefined) check(ended?.error === before.error && ended !== undefined, "the end is taken back");
      check(
        ended === undefined || ended.error !== undefined || state !== "running",
        "ends by itself, without a reason",
      );
      return ended;
    },
    stop: () => {
      if (state === "running") state = "stopped";
      source.stop();
    },
  };
}
