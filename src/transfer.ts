import { AsyncSubject, Observable } from "rxjs";
import { TransferStateError, UnsupportedError, type IsochError } from "./errors.js";
import type { PipeEndpoint } from "./pipe-endpoint.js";
import { checkCompact, type CheckedRequest } from "./request.js";
import { compactInPlace, type FrameResult, type IsochResults, type TransferOutcome } from "./results.js";
import { PendingSubmission, resultsOf, submitTo } from "./submission.js";
import type { Timeline } from "./timeline.js";
import type { Submission, TransportEndpoint } from "./transport.js";

/** Who issues transfers, as seen from one of them. */
export interface Issuer {
  /** Issues no more; what is in flight goes on to its end. Idempotent. */
  stop(): void;
}

/** What GetTransferStatus tells. While the transfer is pending: no bytes, and `ok`. */
export interface TransferStatus {
  /** Bytes that moved. */
  readonly bytesTransferred: number;
  /** How the transfer went. It can carry data whatever this says. */
  readonly error: TransferOutcome;
}

/**
 * What a transfer needs of the pipe it is issued on.
 * @internal
 */
export interface TransferContext {
  readonly endpoint: PipeEndpoint;
  readonly port: TransportEndpoint;
  readonly timeline: Timeline;
  /** Nobody asked for it: its frames count as missed. */
  readonly isFiller: boolean;
  readonly issuer: Issuer;
  /** Called after the completion has been delivered: the buffer is the caller's again. */
  readonly released: (fatal: IsochError | undefined) => void;
}

/**
 * A live handle to one issued request.
 *
 * As an Observable it emits the {@link FrameResult}s of every frame once it is complete, to each
 * subscriber, and completes; closed before that, it completes without any. Unsubscribing from it
 * cancels nothing: {@link IsochTransfer.abort} does.
 *
 * Transfers come from the operator `issue`, or from {@link PipeSession.issue}. Whoever receives one
 * closes it; the operator `close` does so by itself.
 *
 * @example
 * ```ts
 * import type { IsochTransfer } from "rx-isoch";
 *
 * export function firstBytes(transfer: IsochTransfer): Uint8Array | undefined {
 *   if (!transfer.isComplete) return undefined;
 *   const data = transfer.results().frame(0).data;
 *   transfer.close();
 *   return data;
 * }
 * ```
 */
export class IsochTransfer extends Observable<FrameResult> {
  /** The endpoint it moves data of. */
  readonly endpoint: PipeEndpoint;
  /** Number of frames. */
  readonly frames: number;
  /** Who issued it. */
  readonly issuer: Issuer;
  readonly #context: TransferContext;
  readonly #submission: Submission;
  readonly #completion = new AsyncSubject<IsochResults>();
  readonly #released = new AsyncSubject<never>();
  #compact: boolean;
  #results: IsochResults | undefined;
  #isClosed = false;

  /**
   * Submits at once.
   * @internal
   */
  constructor(request: CheckedRequest, context: TransferContext) {
    super((subscriber) =>
      this.#completion.subscribe({
        next: (results) => {
          for (const frame of results) {
            if (subscriber.closed) return;
            subscriber.next(frame);
          }
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      }),
    );
    this.endpoint = context.endpoint;
    this.frames = request.lengths.length;
    this.issuer = context.issuer;
    this.#context = context;
    this.#compact = request.compact;
    this.#submission = new PendingSubmission({
      lengths: request.lengths,
      buffer: request.buffer,
      start: request.start,
      dma: request.dma,
      completed: () => {
        this.#complete();
      },
    });
    const at = context.port.now();
    submitTo(context.port, this.#submission);
    context.timeline.submitted(this.frames, at);
  }

  /**
   * Emits the results when the transfer completes, or at once if it has, and completes. Closed
   * before that, it completes without a value.
   */
  get completion(): Observable<IsochResults> {
    return this.#completion.asObservable();
  }

  /**
   * Completes when the transport has let go of the buffer: with the completion, and also for a
   * transfer that was closed while in flight.
   */
  get released(): Observable<never> {
    return this.#released.asObservable();
  }

  /** Whether the transfer has run through, or was cancelled: IsTransferComplete. False once closed. */
  get isComplete(): boolean {
    return this.#results !== undefined;
  }

  /** Whether {@link IsochTransfer.close} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Bytes and outcome so far: GetTransferStatus. While pending: no bytes, `ok`.
   *
   * @throws {@link TransferStateError} `transfer-closed`
   */
  status(): TransferStatus {
    this.#checkOpen("status");
    return {
      bytesTransferred: this.#results?.bytesTransferred ?? 0,
      error: this.#results?.error ?? "ok",
    };
  }

  /**
   * Why the transport refused the transfer as a whole after it was issued; `undefined` if it did
   * not. Its results then read `failed`, with no frame that had its turn, and the pipe goes on.
   */
  get rejection(): IsochError | undefined {
    return this.#submission.rejected;
  }

  /**
   * What happened in each frame: GetIsochResults. Repeatable until the transfer is closed; results
   * that were taken before stay valid after.
   *
   * @throws {@link TransferStateError} `transfer-pending`, `transfer-closed`
   */
  results(): IsochResults {
    this.#checkOpen("results");
    if (this.#results === undefined) {
      throw new TransferStateError(
        "transfer-pending",
        "the transfer is not complete: wait for its completion, or ask isComplete first",
      );
    }
    return this.#results;
  }

  /**
   * Asks for contiguous data: USB_COMPRESS_ISOCH. Before the completion, the data moves within its
   * own buffer; after it, into a new one. Repeatable.
   *
   * @returns itself
   * @throws {@link InvalidRequestError} `compact-out`, `compact-with-dma`
   */
  compact(): this {
    checkCompact(true, this.endpoint, this.#submission.dma);
    this.#compact = true;
    this.#results = this.#results?.compact();
    return this;
  }

  /**
   * Cancels the transfer: AbortTransfer. Returns at once; the completion follows, with the frames
   * that had finished. Does nothing to a transfer that is complete or closed. Where the transport
   * cannot cancel ({@link TransportCapabilities.cancel}), the transfer runs to its end.
   */
  abort(): void {
    if (!this.isComplete && !this.#isClosed) this.#context.port.cancel(this.#submission);
  }

  /**
   * Blocks the program until the transfer is complete; its completion was delivered when this
   * returns.
   *
   * @throws {@link UnsupportedError} where the transport cannot block; {@link TransferStateError}
   */
  wait(): void {
    this.#checkOpen("wait");
    if (this.isComplete) return;
    if (this.#context.port.wait === undefined) {
      throw new UnsupportedError(
        "unsupported",
        "this transport cannot block the program: issue asynchronously, and wait for the completion",
      );
    }
    this.#context.port.wait(this.#submission);
  }

  /**
   * Ends the handle: CloseTransfer. A transfer in flight is aborted first, and its buffer is the
   * caller's again when {@link IsochTransfer.released} completes. Nothing is emitted after this
   * returns.
   *
   * @throws {@link TransferStateError} `transfer-closed` if it was closed already
   */
  close(): void {
    this.#checkOpen("close");
    this.abort();
    this.#isClosed = true;
    this.#results = undefined;
    this.#completion.complete();
  }

  #complete(): void {
    const submission = this.#submission;
    const { timeline, isFiller } = this.#context;
    if (this.#isClosed) timeline.skipped(submission);
    else {
      const placement = isFiller ? timeline.skipped(submission) : timeline.completed(submission);
      if (this.#compact) compactInPlace(submission.buffer, submission.lengths, submission.actual);
      const results = resultsOf(submission, placement, submission.buffer, this.#compact);
      this.#results = results;
      this.#completion.next(results);
      this.#completion.complete();
    }
    this.#context.released(submission.error);
    this.#released.complete();
  }

  #checkOpen(purpose: string): void {
    if (this.#isClosed) {
      throw new TransferStateError("transfer-closed", `${purpose}: the transfer was closed, and its results are gone`);
    }
  }
}
