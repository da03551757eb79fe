import type { Observable } from "rxjs";
import type { ConfigurationDescriptor, DeviceDescriptor } from "./descriptors/model.js";
import type { Speed } from "./endpoint.js";
import type { IsochError } from "./errors.js";
import type { OverflowPolicy } from "./stream-options.js";
import type { IsochResults } from "./results.js";

/**
 * What a transport can do by itself. Where it says no, the core emulates as stated here, or answers
 * with {@link UnsupportedError}; it never ignores what was asked.
 */
export interface TransportCapabilities {
  /** A request can name the frame it starts on. Without: `unsupported`. */
  readonly startFrame: boolean;
  /**
   * The bus clock can be read at any time. It is another thing whether completions say on which
   * frame they began ({@link Submission.firstFrame}): where they do, the account of frames is exact;
   * where they do not, frames are counted from 0, and a time in which nothing was queued is reported
   * with its estimated length.
   */
  readonly frameNumber: boolean;
  /**
   * Frames of one request can have different lengths. Without: `unsupported` for such a request, unless
   * only its last frame is shorter.
   */
  readonly lengthsPerFrame: boolean;
  /**
   * What a cancellation reaches. `pipe`: aborting one transfer cancels all on that pipe. `none`:
   * an aborted transfer runs to its end, and what arrives meanwhile is kept.
   */
  readonly cancel: "transfer" | "pipe" | "none";
  /** The program can be blocked until a transfer completes. Without: `unsupported`. */
  readonly blocking: boolean;
  /** Buffers can be allocated where the controller reads them directly. Without: `unsupported`. */
  readonly dma: boolean;
}

/** Which device. What is left out matches every device; where several match, the first is taken. */
export interface DeviceSelector {
  readonly vendorId?: number | undefined;
  readonly productId?: number | undefined;
  readonly serialNumber?: string | undefined;
  /** {@link DeviceInfo.id}. */
  readonly id?: string | undefined;
}

/** What is known of a device without opening it. */
export interface DeviceInfo {
  /** Names this device on this transport for as long as it stays attached. */
  readonly id: string;
  readonly speed: Speed;
  readonly descriptor: DeviceDescriptor;
  /** Every configuration the transport could read without opening the device. */
  readonly configurations: readonly ConfigurationDescriptor[];
  readonly manufacturer?: string | undefined;
  readonly product?: string | undefined;
  readonly serialNumber?: string | undefined;
}

/** A device came or went. */
export interface DeviceEvent {
  readonly type: "attach" | "detach";
  readonly device: DeviceInfo;
}

/**
 * Where pipes come from: the one interface that a back end fills in, with the
 * {@link TransportDevice} and {@link TransportEndpoint} behind it.
 *
 * Programs hand a transport to {@link isochPipe} or {@link openDevice} and need nothing else of it.
 */
export interface IsochTransport {
  /** A short name for messages: `virtual`, `libusb`. */
  readonly name: string;
  readonly capabilities: TransportCapabilities;
  /**
   * The devices that are there, as `attach` events, then every attach and detach as it happens. The
   * first ones come all in one turn of the event loop, whenever that is: with its end the list is complete.
   */
  devices(): Observable<DeviceEvent>;
  /**
   * Opens a device. Nothing happens before the subscription; it emits the device once and
   * completes. An unsubscribe before the emission leaves nothing open; after it, the device is the
   * subscriber's, to be closed with {@link TransportDevice.close}.
   *
   * Errors: `DeviceError` `no-such-device`, `not-configured`; `DescriptorError` where the descriptor of
   * the selected configuration cannot be read; `AccessError`.
   */
  open(selector: DeviceSelector): Observable<TransportDevice>;
}

/** The setup packet of a control transfer (USB 2.0, 9.3). */
export interface ControlSetup {
  readonly direction: "in" | "out";
  readonly type: "standard" | "class" | "vendor";
  readonly recipient: "device" | "interface" | "endpoint" | "other";
  /** bRequest. */
  readonly request: number;
  /** wValue. */
  readonly value: number;
  /** wIndex. */
  readonly index: number;
}

/**
 * A device that a transport has opened.
 *
 * Every method that returns an Observable does its work at the subscription, and completes when
 * the work is done; where the transport needs no waiting, that is before `subscribe` returns. The
 * core claims an interface before it selects alternates or opens endpoints of it, releases it after
 * the last completion, and calls `close` once, last, whatever failed before.
 */
export interface TransportDevice {
  readonly info: DeviceInfo;
  /** The configuration that is selected. */
  readonly configuration: ConfigurationDescriptor;
  /**
   * Emits a {@link DeviceError} `device-gone` once the device is unplugged while it is open, and
   * completes; completes without a value when the device is closed. Who subscribes later gets the
   * same. It may emit before what is in flight has completed: the core waits for that.
   */
  readonly gone: Observable<IsochError>;
  /**
   * A control transfer on endpoint zero. IN: `data` is the number of bytes asked for; emits what
   * came, which is the receiver's. OUT: `data` is the bytes to send; emits an empty array.
   *
   * Errors: {@link DeviceError} `control-stalled`, `device-gone`.
   */
  controlTransfer(setup: ControlSetup, data: number | Uint8Array): Observable<Uint8Array>;
  /** Errors: {@link BusyError} `interface-busy`; {@link EndpointError} `no-such-endpoint`. */
  claimInterface(interfaceNumber: number): Observable<never>;
  /** Errors: {@link DeviceError} `device-gone`. */
  releaseInterface(interfaceNumber: number): Observable<never>;
  /** Errors: {@link BandwidthError}; {@link EndpointError} `no-such-endpoint`. */
  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never>;
  /** CLEAR_FEATURE(ENDPOINT_HALT). */
  clearHalt(endpointAddress: number): Observable<never>;
  /**
   * Resets the port. What is in flight completes first, as cancelled, with the frames that had
   * finished; streams end with {@link TransferStateError} `pipe-closed`.
   *
   * Claims stay, every interface goes to alternate setting 0, and no endpoint is halted. Endpoints
   * that were opened before take nothing any more: `submit` throws `pipe-closed`, until the
   * alternate setting is selected again and the endpoint opened anew. The core does not do that by
   * itself: pipes that were open stay refused until all of that interface are closed.
   *
   * Errors: {@link DeviceError} `device-gone`, also for a device that does not come back as it was;
   * then {@link TransportDevice.gone} emits too.
   */
  reset(): Observable<never>;
  /** An isochronous endpoint of the alternate setting that is selected. */
  openEndpoint(endpointAddress: number): TransportEndpoint;
  /** Closes the device. Called once, with nothing in flight and nothing claimed. */
  close(): Observable<never>;
}

/** Memory that the host controller reads and writes directly. */
export interface DmaBuffer {
  /** The memory as JavaScript sees it. Must not be touched after {@link DmaBuffer.free}. */
  readonly bytes: Uint8Array;
  /** Stands for the physical address: unique among live buffers, never 0. */
  readonly address: number;
  /** Gives the memory back. The buffer must not be in flight. A second call does nothing. */
  free(): void;
}

/**
 * A request on its way through a transport.
 *
 * The core fills the first group of fields; the transport fills the second, then calls
 * `completed`, once, in the order of submission within an endpoint. From `submit` until
 * `completed` the buffer and the arrays belong to the transport; afterwards it never touches them.
 */
export interface Submission {
  /** Bytes asked for (IN) or sent (OUT), per frame. 0 moves an empty packet. */
  readonly lengths: Uint32Array;
  /** Frame by frame, each at the sum of the lengths before it. */
  readonly buffer: Uint8Array;
  /** Set if `buffer` is its memory. */
  readonly dma: DmaBuffer | undefined;
  /** A frame number, or directly after what is queued. */
  readonly start: number | "asap";
  /** Hears the completion. Must not throw. */
  readonly completed: (submission: Submission) => void;

  /** Bytes moved, per frame. */
  readonly actual: Uint32Array;
  /** {@link statusCodes}, per frame. */
  readonly statuses: Uint8Array;
  /** What the layer below said, per frame, where it speaks in numbers; `undefined` otherwise. */
  nativeStatuses: Int32Array | undefined;
  /** The frame it began on; `undefined` where the bus clock is hidden. */
  firstFrame: number | undefined;
  /** When it completed, in microseconds of {@link TransportEndpoint.now}. */
  timestamp: number;
  /** It was cancelled: frames that had finished keep their results, the others read `not-complete`. */
  cancelled: boolean;
  /**
   * Set if the transfer was refused as a whole after `submit` had taken it: USB/IP hears late that a
   * start has passed, WebUSB gives nothing of a batch in which one packet failed. Every frame reads
   * `not-complete`, no byte moved, and neither `cancelled` nor `error` is set. The frames that passed
   * meanwhile are lost, with the next result; the endpoint goes on.
   */
  rejected: IsochError | undefined;
  /** Set if the endpoint cannot go on after this: the device is gone, the transport failed. */
  error: IsochError | undefined;
}

/**
 * An isochronous endpoint that a transport has opened. It has one user at a time, the core's, and
 * is abandoned (there is no close) once the last submission has completed.
 */
export interface TransportEndpoint {
  /**
   * Queues a submission. Returns at once, and never completes it before it returns.
   *
   * @throws {@link InvalidRequestError} `start-in-past`, `start-overlap`; {@link DeviceError}
   * `device-gone`; {@link ResourceError}. After a throw, `completed` is not called.
   */
  submit(submission: Submission): void;
  /**
   * Cancels a submission. Returns at once; `completed` follows, as always, and not before this
   * returns. Does nothing for one that has completed, or where `capabilities.cancel` is `none`. Never
   * throws: where the layer below refuses, the submission runs to its end, or completes as what it met.
   */
  cancel(submission: Submission): void;
  /** A monotonic clock in microseconds: the one of {@link Submission.timestamp}. */
  now(): number;
  /** The frame that is on the bus now, in service intervals of this endpoint. With `capabilities.frameNumber`. */
  frameNumber?(): number;
  /** Blocks until the submission has completed; `completed` was called when it returns. With `capabilities.blocking`. */
  wait?(submission: Submission): void;
  /** Allocates a DMA buffer. With `capabilities.dma`. */
  allocateDma?(size: number): DmaBuffer;
  /**
   * Runs a whole IN stream where JavaScript cannot delay it. A transport that leaves this out is
   * driven submission by submission; to the consumer both read the same, as {@link ResultSource} has
   * it. Called with nothing in flight on this endpoint; nothing is submitted beside the stream, and
   * no second one started, before {@link StreamSink.drained}.
   *
   * @returns with the transfers of the queue submitted
   * @throws what `submit` throws, for the first transfer: then nothing is in flight, and the sink is
   * never called. What is refused later ends the stream.
   */
  stream?(plan: StreamPlan, sink: StreamSink): ResultSource;
}

/** How an IN stream is to run; every number is checked and within its range. */
export interface StreamPlan {
  /** Bytes asked for in each frame. */
  readonly frameLength: number;
  /** Frames in a transfer. */
  readonly frames: number;
  /** Transfers in flight. */
  readonly queue: number;
  /** Completed transfers that wait for the consumer, at most. */
  readonly ring: number;
  /** Completed transfers that wait before the consumer is told; at most `ring`. */
  readonly batch: number;
  readonly overflow: OverflowPolicy;
  /** Where the first transfer starts. */
  readonly start: number | "asap";
}

/**
 * What a {@link ResultSource} tells its consumer, on the thread of the program: never before `stream`
 * has returned, and never from within `take`. Both calls may take and stop; neither throws.
 */
export interface StreamSink {
  /**
   * At the latest when {@link StreamPlan.batch} results wait or the stream has ended: call
   * {@link ResultSource.take} until it returns `undefined`. One call may stand for many results, and
   * no other is owed before `take` has returned `undefined`: a consumer that pauses takes up again by
   * itself. Not called after `stop`.
   */
  ready(): void;
  /**
   * After a {@link ResultSource.stop}: the last completion is in, nothing is in flight, and nobody
   * writes to any buffer. Called once, from within `stop` where that is so already, and never
   * without one. Nothing is called after it.
   */
  drained(): void;
}

/**
 * A running IN stream: a bounded ring of results that the consumer takes from when it can.
 *
 * Who runs the stream owes this:
 *
 * - **Order.** Results come in the order of the bus, each frame at most once. Each has a frame that
 *   had its turn on the bus; transfers that have none (cancelled in the queue) are left out.
 * - **The account.** `firstFrame - lost` is where the result before it ended: its `firstFrame +
 *   served`. Frames are those of the bus, beginning with the first of the stream; where the bus clock
 *   is hidden they count from 0, there. The runner fills in both, and the core changes neither.
 * - **Loss.** {@link IsochResults.lost} has the frames for which nothing was queued, and those of
 *   results that were dropped because the ring was full, with what was lost before these: under
 *   `drop-oldest` in the next result that is taken, else in the next that finds room in the ring.
 *   What no result follows comes last, as a result of no frames whose `firstFrame` is the one after
 *   the last that was on the bus.
 * - **Overflow.** Under `error`, a full ring ends the stream: what is in flight is cancelled, and what
 *   it still brings is put where room was made, or lost; then {@link OverflowError} `overflow`.
 * - **Memory.** Results are `compacted`, their `data` is exactly the bytes that moved. It is the
 *   receiver's: neither the runner nor a later transfer touches it.
 * - **Bad frames** end nothing.
 * - **The end.** What cannot go on is not renewed: on an unplug ({@link DeviceError} `device-gone`),
 *   on a reset or another alternate setting ({@link TransferStateError} `pipe-closed`), on a failure
 *   of the transport. What had arrived is taken first, the finished frames of transfers that were cut
 *   short with it; then {@link ResultSource.ended} says why.
 */
export interface ResultSource {
  /** The oldest result that waits, or `undefined`. After a `stop`, nobody asks. */
  take(): IsochResults | undefined;
  /**
   * Set once nothing is in flight and everything was taken, and then stays; `error` says why, and is
   * `undefined` only after a `stop`. Read it when `take` returned `undefined`.
   */
  readonly ended: { readonly error: IsochError | undefined } | undefined;
  /**
   * Stops resubmitting, cancels what is in flight, and lets it drain; {@link StreamSink.drained}
   * follows. What completes after it is given up. At any time, also when the stream has ended or the
   * device is gone. Idempotent; never throws.
   */
  stop(): void;
}
