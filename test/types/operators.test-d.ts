/* eslint-disable rxjs-x/no-floating-observables, @typescript-eslint/no-unsafe-class-instance-assignment -- nothing here runs, and some of it is wrong on purpose */
import { of, type Observable } from "rxjs";
import { describe, expectTypeOf, it } from "vitest";
import {
  abort,
  close,
  compact,
  frames,
  gaps,
  issue,
  packetize,
  payload,
  throughput,
  type BadFramePolicy,
  type ByteSource,
  type PacketizeOptions,
  type Throughput,
  type UnderrunPolicy,
} from "../../operators/index.js";
import type {
  FrameResult,
  IsochPipe,
  IsochRequest,
  IsochResults,
  IsochTransfer,
  RequestSource,
} from "../../src/index.js";

declare const pipe: IsochPipe;
declare const requests: Observable<IsochRequest>;
declare const transfers: Observable<IsochTransfer>;
declare const results: Observable<IsochResults>;
declare const frameResults: Observable<FrameResult>;
declare const numbers: Observable<number>;
declare const bytes: Observable<Uint8Array>;
declare const anything: Observable<unknown>;

describe("the chain of the mission", () => {
  it("goes from requests to frames", () => {
    expectTypeOf(
      requests.pipe(issue(pipe, { queue: 2 }), compact(), abort(anything), close(anything), frames()),
    ).toEqualTypeOf<Observable<FrameResult>>();
  });

  it("goes from bytes to results", () => {
    expectTypeOf(bytes.pipe(packetize({ sampleRate: 44100, sampleSize: 4 }), issue(pipe), close())).toEqualTypeOf<
      Observable<IsochResults>
    >();
  });

  it("goes from a pipe to bytes and numbers", () => {
    expectTypeOf(pipe.results().pipe(compact(), gaps(), payload())).toEqualTypeOf<Observable<Uint8Array>>();
    expectTypeOf(pipe.pipe(gaps(), payload())).toEqualTypeOf<Observable<Uint8Array>>();
    expectTypeOf(pipe.pipe(throughput())).toEqualTypeOf<Observable<Throughput>>();
  });
});

describe("issue", () => {
  it("takes requests, iterables and async iterables of them, and emits transfers", () => {
    expectTypeOf(requests.pipe(issue(pipe))).toEqualTypeOf<Observable<IsochTransfer>>();
    expectTypeOf(of([{ lengths: 8, frames: 1 }]).pipe(issue(pipe))).toEqualTypeOf<Observable<IsochTransfer>>();
    expectTypeOf(issue).parameter(1).exclude<undefined>().toHaveProperty("queue").toEqualTypeOf<number | undefined>();
    of({ lengths: [8, 9], buffer: new Uint8Array(17), start: 5, compact: false }).pipe(issue(pipe));
    of({ lengths: Uint32Array.of(8), start: "asap" as const }).pipe(issue(pipe));
    of((async function* (): AsyncGenerator<IsochRequest> {})()).pipe(issue(pipe));
  });

  it("rejects what is no request", () => {
    // @ts-expect-error numbers are no requests
    numbers.pipe(issue(pipe));
    // @ts-expect-error nor are bytes, which packetize makes into requests
    bytes.pipe(issue(pipe));
    // @ts-expect-error nor iterables of other things
    of(["abc"]).pipe(issue(pipe));
    // @ts-expect-error lengths are needed
    of({ frames: 8 }).pipe(issue(pipe));
    // @ts-expect-error the start is a frame or `asap`
    of({ lengths: 8, frames: 1, start: "soon" as const }).pipe(issue(pipe));
    // @ts-expect-error the buffer is bytes
    of({ lengths: 8, frames: 1, buffer: [1, 2, 3] }).pipe(issue(pipe));
  });

  it("rejects what is no pipe, and options that there are not", () => {
    // @ts-expect-error a stream of frames is not yet a pipe
    issue(frameResults);
    // @ts-expect-error a pipe is needed
    issue();
    expectTypeOf<UnderrunPolicy>().toEqualTypeOf<"zero-length" | "repeat" | "error">();
    // @ts-expect-error no such policy
    issue(pipe, { underrun: "none" });
    // @ts-expect-error this is a string
    issue(pipe, { queue: "4" });
    // @ts-expect-error no such option
    issue(pipe, { inFlight: 4 });
  });
});

describe("compact", () => {
  it("gives back what it takes: transfers or results", () => {
    expectTypeOf(transfers.pipe(compact())).toEqualTypeOf<Observable<IsochTransfer>>();
    expectTypeOf(results.pipe(compact())).toEqualTypeOf<Observable<IsochResults>>();
  });

  it("rejects frames, which have nothing to be made contiguous", () => {
    // @ts-expect-error these are frames
    frameResults.pipe(compact());
    // @ts-expect-error these are bytes
    bytes.pipe(compact());
    // @ts-expect-error these are requests
    requests.pipe(compact());
  });
});

describe("abort", () => {
  it("takes transfers, and any notifier", () => {
    expectTypeOf(transfers.pipe(abort(numbers))).toEqualTypeOf<Observable<IsochTransfer>>();
  });

  it("rejects everything else", () => {
    // @ts-expect-error results are complete: nothing can be cancelled
    results.pipe(abort(anything));
    // @ts-expect-error requests are not yet issued
    requests.pipe(abort(anything));
    // @ts-expect-error the notifier is needed
    transfers.pipe(abort());
    // @ts-expect-error and it is an Observable
    transfers.pipe(abort(new AbortController().signal));
  });
});

describe("close", () => {
  it("makes results of transfers, with any notifier or none", () => {
    expectTypeOf(transfers.pipe(close())).toEqualTypeOf<Observable<IsochResults>>();
    expectTypeOf(transfers.pipe(close(numbers))).toEqualTypeOf<Observable<IsochResults>>();
  });

  it("rejects everything else", () => {
    // @ts-expect-error results are of transfers that are closed
    results.pipe(close());
    // @ts-expect-error these are frames
    frameResults.pipe(close());
    // @ts-expect-error these are requests
    requests.pipe(close());
    // @ts-expect-error the notifier is an Observable
    transfers.pipe(close(1000));
  });
});

describe("frames", () => {
  it("makes frames of results", () => {
    expectTypeOf(results.pipe(frames())).toEqualTypeOf<Observable<FrameResult>>();
  });

  it("rejects everything else", () => {
    // @ts-expect-error transfers have to be closed first
    transfers.pipe(frames());
    // @ts-expect-error these are frames already
    frameResults.pipe(frames());
    // @ts-expect-error a pipe is a stream of frames already
    pipe.pipe(frames());
  });
});

describe("gaps", () => {
  it("gives back what it takes: frames or results", () => {
    expectTypeOf(frameResults.pipe(gaps())).toEqualTypeOf<Observable<FrameResult>>();
    expectTypeOf(results.pipe(gaps())).toEqualTypeOf<Observable<IsochResults>>();
    expectTypeOf(results.pipe(gaps(), frames())).toEqualTypeOf<Observable<FrameResult>>();
  });

  it("rejects everything else", () => {
    // @ts-expect-error these are transfers
    transfers.pipe(gaps());
    // @ts-expect-error these are bytes
    bytes.pipe(gaps());
  });
});

describe("packetize", () => {
  it("takes bytes, iterables and async iterables of them", () => {
    expectTypeOf(bytes.pipe(packetize({ frameLength: 8 }))).toEqualTypeOf<Observable<RequestSource>>();
    expectTypeOf(of([new Uint8Array(8)]).pipe(packetize({ frameLength: 8 }))).toEqualTypeOf<
      Observable<RequestSource>
    >();
    of(Buffer.alloc(8)).pipe(packetize({ frameLength: 8, frames: 4 }));
    of((async function* (): AsyncGenerator<Uint8Array> {})()).pipe(packetize({ sampleRate: 48000, sampleSize: 4 }));
    expectTypeOf<Uint8Array>().toExtend<ByteSource>();
  });

  it("rejects what are no bytes", () => {
    // @ts-expect-error these are numbers
    numbers.pipe(packetize({ frameLength: 8 }));
    // @ts-expect-error this is a string
    of("bytes").pipe(packetize({ frameLength: 8 }));
    // @ts-expect-error these are numbers
    of([1, 2, 3]).pipe(packetize({ frameLength: 8 }));
    // @ts-expect-error samples are bytes here
    of(new Int16Array(8)).pipe(packetize({ frameLength: 8 }));
  });

  it("takes a length or a rate, and all of a rate", () => {
    expectTypeOf<{ frameLength: number }>().toExtend<PacketizeOptions>();
    expectTypeOf<{ sampleRate: number; sampleSize: number; frameDuration: 125 }>().toExtend<PacketizeOptions>();
    // @ts-expect-error neither is given
    packetize({});
    // @ts-expect-error options are needed
    packetize();
    // @ts-expect-error the size of a sample is needed
    packetize({ sampleRate: 44100 });
    // @ts-expect-error no such option
    packetize({ frameLength: 8, queue: 4 });
  });
});

describe("payload", () => {
  it("makes bytes of frames and of results", () => {
    expectTypeOf(frameResults.pipe(payload())).toEqualTypeOf<Observable<Uint8Array>>();
    expectTypeOf(results.pipe(payload({ badFrames: "zero" }))).toEqualTypeOf<Observable<Uint8Array>>();
  });

  it("rejects everything else, and policies that there are not", () => {
    // @ts-expect-error these are transfers
    transfers.pipe(payload());
    // @ts-expect-error these are bytes
    bytes.pipe(payload());
    expectTypeOf<BadFramePolicy>().toEqualTypeOf<"skip" | "keep" | "zero" | "error">();
    // @ts-expect-error no such policy
    payload({ badFrames: "drop" });
    // @ts-expect-error no such option
    payload({ policy: "skip" });
  });
});

describe("throughput", () => {
  it("measures frames and results", () => {
    expectTypeOf(frameResults.pipe(throughput())).toEqualTypeOf<Observable<Throughput>>();
    expectTypeOf(results.pipe(throughput({ window: 500 }))).toEqualTypeOf<Observable<Throughput>>();
    expectTypeOf<Throughput["bytesPerSecond"]>().toEqualTypeOf<number>();
  });

  it("rejects everything else", () => {
    // @ts-expect-error these are transfers
    transfers.pipe(throughput());
    // @ts-expect-error these are bytes
    bytes.pipe(throughput());
    // @ts-expect-error a number of milliseconds
    throughput({ window: "1s" });
    // @ts-expect-error the reports are read only
    frameResults.pipe(throughput()).subscribe((report) => (report.bytes = 0));
  });
});
