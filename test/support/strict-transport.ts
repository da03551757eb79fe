import { map, tap, type Observable } from "rxjs";
import type {
  IsochTransport,
  ResultSource,
  StreamPlan,
  StreamSink,
  Submission,
  TransportDevice,
  TransportEndpoint,
} from "../../src/index.js";
import { servedFrames } from "../../src/status.js";
import { strictStream } from "./strict-stream.js";

/** A transport that keeps a list of what went against the contract. */
export interface StrictTransport extends IsochTransport {
  /** Violations of the transport contract, by either side of it. */
  readonly violations: readonly string[];
}

type Check = (holds: boolean, message: string) => void;

/**
 * Stands in front of a transport and checks each step of the contract: who selects without a claim,
 * releases with transfers in flight, submits a buffer that is on its way already, and what
 * completes twice, within submit, or after the device was closed.
 */
export function strictTransport(inner: IsochTransport): StrictTransport {
  const violations: string[] = [];
  const check: Check = (holds, message) => {
    if (!holds) violations.push(message);
  };
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    violations,
    devices: () => inner.devices(),
    open: (selector) => inner.open(selector).pipe(map((device) => strictDevice(device, check))),
  };
}

function strictDevice(inner: TransportDevice, check: Check): TransportDevice {
  const claimed = new Set<number>();
  /** The alternate setting of each interface, and the interface of what is in flight. */
  const selected = new Map<number, number>();
  const inFlight = new Map<Submission, number>();
  const streams = new Map<TransportEndpoint, number>();
  const isIdle = (number: number) => ![...inFlight.values(), ...streams.values()].includes(number);
  const interfaceOf = (address: number) =>
    inner.configuration.interfaces.find(({ number, alternates }) =>
      alternates.some(
        ({ alternateSetting, endpoints }) =>
          selected.get(number) === alternateSetting && endpoints.some((endpoint) => endpoint.address === address),
      ),
    )?.number;
  let isClosed = false;
  const begin = <T>(message: string, holds: () => boolean, work: Observable<T>): Observable<T> =>
    work.pipe(
      tap({
        subscribe: () => {
          check(!isClosed && holds(), message);
        },
      }),
    );
  let hasClosed = false;
  let isGone = false;
  let isOver = false;
  inner.gone.subscribe({
    next: ({ code }) => {
      check(code === "device-gone", `gone with ${code}`);
      check(!isGone && !hasClosed, "gone twice, or after close");
      isGone = true;
    },
    error: () => {
      check(false, "gone errors");
    },
    complete: () => {
      check(isGone || isClosed, "gone completes, and the device is open and there");
      isOver = true;
    },
  });
  return {
    info: inner.info,
    configuration: inner.configuration,
    gone: inner.gone,
    controlTransfer: (setup, data) => begin("control after close", () => true, inner.controlTransfer(setup, data)),
    claimInterface: (number) =>
      begin("claimed twice", () => !claimed.has(number), inner.claimInterface(number)).pipe(
        tap({ complete: () => claimed.add(number) }),
      ),
    releaseInterface: (number) =>
      begin(
        "released with transfers in flight, or without a claim",
        () => claimed.delete(number) && isIdle(number),
        inner.releaseInterface(number),
      ),
    selectAlternate: (number, alternate) =>
      begin(
        "selected without a claim, or with transfers in flight",
        () => claimed.has(number) && isIdle(number),
        inner.selectAlternate(number, alternate),
      ).pipe(tap({ complete: () => selected.set(number, alternate) })),
    clearHalt: (address) => begin("clearHalt after close", () => true, inner.clearHalt(address)),
    reset: () => begin("reset after close", () => true, inner.reset()),
    openEndpoint: (address) => {
      const number = interfaceOf(address) ?? -1;
      check(!isClosed && claimed.has(number), "opened an endpoint without a claim");
      return strictEndpoint(inner.openEndpoint(address), number, inFlight, streams, check, () => isClosed);
    },
    close: () =>
      begin(
        "closed twice, or with something open",
        () => {
          isClosed = true;
          return claimed.size === 0 && inFlight.size === 0 && streams.size === 0;
        },
        inner.close(),
      ).pipe(
        tap({
          complete: () => {
            hasClosed = true;
            check(isGone || isOver, "gone does not complete with the close");
          },
        }),
      ),
  };
}

function strictEndpoint(
  inner: TransportEndpoint,
  interfaceNumber: number,
  inFlight: Map<Submission, number>,
  streams: Map<TransportEndpoint, number>,
  check: Check,
  isClosed: () => boolean,
): TransportEndpoint {
  const shadows = new Map<Submission, Submission>();
  let isSubmitting = false;
  const submit = (submission: Submission): void => {
    check(!isClosed(), "submitted after close");
    check(!streams.has(inner), "submitted beside a stream");
    check(!inFlight.has(submission), "submitted twice");
    for (const other of inFlight.keys())
      check(!overlap(other.buffer, submission.buffer), "a buffer is in flight twice");
    let isCompleted = false;
    const shadow: Submission = {
      lengths: submission.lengths,
      buffer: submission.buffer,
      dma: submission.dma,
      start: submission.start,
      actual: submission.actual,
      statuses: submission.statuses,
      nativeStatuses: undefined,
      firstFrame: undefined,
      timestamp: 0,
      cancelled: false,
      rejected: undefined,
      error: undefined,
      completed: () => {
        check(!isCompleted, "completed twice");
        check(!isSubmitting, "completed within submit");
        check(!isClosed(), "completed after close");
        isCompleted = true;
        if (shadow.rejected !== undefined) {
          check(!shadow.cancelled && shadow.error === undefined, "rejected, and cancelled or failed as well");
          check(servedFrames(shadow) === 0, "rejected, with frames that had their turn");
        }
        inFlight.delete(submission);
        shadows.delete(submission);
        submission.nativeStatuses = shadow.nativeStatuses;
        submission.firstFrame = shadow.firstFrame;
        submission.timestamp = shadow.timestamp;
        submission.cancelled = shadow.cancelled;
        submission.rejected = shadow.rejected;
        submission.error = shadow.error;
        submission.completed(submission);
      },
    };
    const wasSubmitting = isSubmitting;
    isSubmitting = true;
    try {
      inner.submit(shadow);
    } finally {
      isSubmitting = wasSubmitting;
    }
    inFlight.set(submission, interfaceNumber);
    shadows.set(submission, shadow);
  };
  const stream = (plan: StreamPlan, sink: StreamSink): ResultSource => {
    check(!isClosed(), "streamed after close");
    check(shadows.size === 0 && !streams.has(inner), "streamed beside transfers, or beside a stream");
    streams.set(inner, interfaceNumber);
    return strictStream(
      (own) => present(inner.stream?.(plan, own)),
      sink,
      check,
      () => streams.delete(inner),
    );
  };
  const waitFor = (submission: Submission): void => {
    const shadow = shadows.get(submission);
    if (shadow !== undefined) inner.wait?.(shadow);
  };
  return {
    submit,
    cancel: (submission) => {
      const shadow = shadows.get(submission);
      try {
        if (shadow !== undefined) inner.cancel(shadow);
      } catch (error) {
        check(false, `cancel threw ${String(error)}`);
      }
    },
    now: () => inner.now(),
    ...(inner.stream && { stream }),
    ...(inner.frameNumber && { frameNumber: inner.frameNumber.bind(inner) }),
    ...(inner.allocateDma && { allocateDma: inner.allocateDma.bind(inner) }),
    ...(inner.wait && { wait: waitFor }),
  };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the transport returned nothing");
  return value;
}

function overlap(one: Uint8Array, other: Uint8Array): boolean {
  return (
    one.buffer === other.buffer &&
    one.byteLength > 0 &&
    other.byteLength > 0 &&
    one.byteOffset < other.byteOffset + other.byteLength &&
    other.byteOffset < one.byteOffset + one.byteLength
  );
}
