import { describe, expect, it } from "vitest";
import { PendingSubmission, resultsOf } from "../../src/submission.js";
import { DeviceError, statusCodes, TransportError } from "../../src/index.js";

function pending(lengths: readonly number[]): PendingSubmission {
  return new PendingSubmission({
    lengths: Uint32Array.from(lengths),
    buffer: Uint8Array.from({ length: lengths.reduce((sum, length) => sum + length, 0) }, (_, i) => i + 1),
    start: "asap",
    completed: () => undefined,
  });
}

describe("PendingSubmission", () => {
  it("has a place for the outcome of each frame, and nothing in it yet", () => {
    expect(pending([1, 2, 0])).toMatchObject({
      actual: new Uint32Array(3),
      statuses: new Uint8Array(3),
      nativeStatuses: undefined,
      firstFrame: undefined,
      timestamp: 0,
      cancelled: false,
      rejected: undefined,
      error: undefined,
      dma: undefined,
    });
  });

  it("does not share its arrays", () => {
    const lengths = Uint32Array.of(1, 1);
    const init = { lengths, buffer: new Uint8Array(2), start: "asap", completed: () => undefined } as const;
    const [one, other] = [new PendingSubmission(init), new PendingSubmission(init)];
    expect(one.actual).not.toBe(other.actual);
    expect(one.statuses).not.toBe(other.statuses);
  });
});

describe("resultsOf", () => {
  const place = { firstFrame: 40, lost: 3 };

  it("tells what the transport wrote, where the timeline puts it", () => {
    const submission = pending([2, 2]);
    submission.actual.set([2, 1]);
    submission.nativeStatuses = Int32Array.of(0, -18);
    submission.timestamp = 77;
    submission.firstFrame = 12;
    expect(resultsOf(submission, place, submission.buffer, false)).toMatchObject({
      firstFrame: 40,
      lost: 3,
      actual: Uint32Array.of(2, 1),
      requested: Uint32Array.of(2, 2),
      nativeStatuses: Int32Array.of(0, -18),
      timestamp: 77,
      error: "ok",
    });
  });

  it("knows how the whole transfer went", () => {
    const outcome = (change: Partial<PendingSubmission>, status: keyof typeof statusCodes = "ok") => {
      const submission = Object.assign(pending([1]), change);
      submission.statuses[0] = statusCodes[status];
      return resultsOf(submission, place, submission.buffer, false).error;
    };
    const gone = new DeviceError("device-gone", "");
    const failed = new TransportError("transport-failed", "");
    expect(outcome({})).toBe("ok");
    expect(outcome({}, "crc")).toBe("isoch");
    expect(outcome({ cancelled: true }, "not-complete")).toBe("cancelled");
    expect(outcome({ rejected: failed }, "not-complete")).toBe("failed");
    expect(outcome({ error: gone })).toBe("device-not-responding");
    expect(outcome({ error: failed })).toBe("failed");
    expect(outcome({ cancelled: true, error: gone })).toBe("cancelled");
  });
});
