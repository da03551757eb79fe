import {
  map,
  merge,
  NEVER,
  Observable,
  ReplaySubject,
  Subject,
  Subscription,
  take,
  takeUntil,
  tap,
  type OperatorFunction,
} from "rxjs";
import type { IsochRequest, IsochTransport, UsbDevice } from "../../src/index.js";
import { checkClockOptions, type ClockOptions } from "../../src/class/uac/clock-options.js";
import { oneOf, wholeNumber } from "../../src/numbers.js";
import { subscribeInner } from "../../src/subscribe-inner.js";
import { close } from "../close.js";
import { issue } from "../issue.js";
import { chooseAudio, type AudioFormatOptions, type AudioSelector, type ChosenAudio } from "./audio-choice.js";
import { AudioPipe, onClock } from "./audio-pipe.js";
import { paceOf } from "./feedback-loop.js";
import { PcmQueue } from "./pcm-queue.js";
import type { PcmSource } from "./pcm-source.js";
import { Playback, type Played } from "./playback.js";
import { withDevice } from "./with-device.js";

/** The format that a speaker is to have, how it is fed, and what becomes of a clock that is not valid. */
export interface SpeakerOptions extends AudioFormatOptions, ClockOptions {
  /**
   * What is played when no samples are there in time: `silence`, or nothing, and the stream errors with
   * `UnderrunError`. Default: `silence`.
   */
  readonly underrun?: "silence" | "error" | undefined;
  /**
   * Milliseconds of audio in flight, at most, and two packets at least: samples are taken that long before they are
   * heard, and feedback takes that long to be heeded. Default: 32.
   */
  readonly latency?: number | undefined;
  /** Pieces of samples that were pushed and wait for their turn, at most. Default: 1024. */
  readonly backlog?: number | undefined;
  /**
   * A value means: send no more. What is in flight is played and told of, then the stream completes, after `latency` at
   * the latest; at once where nothing was sent. What waits is not played: iterables are told by `return()`, which a Node
   * Readable that nobody has read from does not heed, so destroy that one. Where the source had errored before that, the
   * stream errors. Default: the source is played to its end.
   */
  readonly stop?: Observable<unknown> | undefined;
}

/**
 * Plays samples on a speaker, or on any other output of the audio class (UAC 1.0 and 2.0). Emits what became of each
 * transfer.
 *
 * With the subscription, the device is opened, an alternate setting that has the format selected, and its rate set and
 * checked; a clock of UAC 2.0 that is not valid is waited for, or changed: {@link ClockOptions}. The first packet goes
 * out when there is something to play; for an asynchronous iterable, and under the policy `error`, when there is
 * as much as goes into flight. From then on the speaker is kept fed: where samples come late, with silence, or not at
 * all, by policy.
 *
 * Where the speaker has a clock of its own (USB 2.0, 5.12.4), its feedback is heeded: of an endpoint that says how
 * many samples it wants, or of one that captures on the same clock. The size of a packet is decided when it is handed
 * to the bus, at most `latency` before it is sent: so a clock that is off neither runs dry nor drifts away.
 *
 * Samples that are pushed wait in a backlog. Iterables and async iterables (a generator, a Node Readable) are pulled
 * from as the bus takes samples, an asynchronous one up to `latency` ahead. A {@link PcmBlock} has to have the format
 * of the speaker; bytes are taken as they are. When the source completes, what waits is played to its end, then the
 * device is closed, and the stream completes. When the source errors, nothing more is sent, what is in flight is
 * played, and then the stream errors. {@link SpeakerOptions.stop} ends it in the middle in the same way; an unsubscribe
 * cancels what is in flight, and nobody hears what became of it.
 *
 * Two pipes on one interface share a device: so does this one's feedback. To capture on the same device, open it with
 * `openDevice`, and give it to both `speaker` and `microphone`; but an endpoint that is implicit feedback is in use.
 *
 * Errors: `EndpointError` `no-such-format`, which says what formats there are; `DeviceError` `rate-refused` or
 * `clock-invalid`; `OverflowError` `backlog-full`; `UnderrunError`; `InvalidRequestError` for what are no samples;
 * those of `issue`, and of `stop`.
 *
 * @example
 * ```ts
 * import type { IsochTransport } from "rx-isoch";
 * import { speaker } from "rx-isoch/operators/media";
 * import { createReadStream } from "node:fs";
 * import { of } from "rxjs";
 *
 * export const play = (transport: IsochTransport) =>
 *   of(createReadStream("stereo-48000-s16.raw") as AsyncIterable<Uint8Array>).pipe(
 *     speaker(transport, { vendorId: 0x0d8c }, { sampleRate: 48_000, channels: 2, bits: 16 }),
 *   );
 * ```
 *
 * @see microphone
 */
export function speaker(
  source: IsochTransport | UsbDevice,
  selector: AudioSelector,
  options: SpeakerOptions = {},
): OperatorFunction<PcmSource, Played> {
  const settings: SpeakerSettings = {
    underrun: oneOf("underrun", options.underrun ?? "silence", ["silence", "error"]),
    latency: wholeNumber("latency", options.latency ?? 32, 1, 10_000),
  };
  const limit = wholeNumber("backlog", options.backlog ?? 1024, 1, 2 ** 20);
  const sampleRate = wholeNumber("sampleRate", options.sampleRate ?? 48_000, 1, 2 ** 20);
  const clock = checkClockOptions(options);
  const { stop = NEVER } = options;
  return (samples) =>
    new Observable((subscriber) => {
      const ready = new Subject<void>();
      const pcm = new PcmQueue({
        limit,
        isPatient: settings.underrun === "error",
        ready: () => {
          ready.next();
        },
      });
      subscriber.add(() => {
        pcm.discard();
      });
      const feeding = new Subscription();
      const playing = new Subscription();
      subscriber.add(playing);
      subscribeInner(stop.pipe(take(1)), subscriber, {
        next: () => {
          feeding.unsubscribe();
          if (pcm.isTakenFrom) {
            pcm.end();
            return;
          }
          // Is closing before anybody hears of the end.
          playing.unsubscribe();
          if (pcm.failure === undefined) subscriber.complete();
          else subscriber.error(pcm.failure.error);
        },
        complete: () => {
          // Goes on until the source completes.
        },
      });
      if (subscriber.closed) return;
      const fed = subscribeInner(samples, subscriber, {
        next: (piece) => {
          try {
            pcm.push(piece);
          } catch (error) {
            pcm.fail(error);
          }
        },
        error: (error: unknown) => {
          pcm.fail(error);
        },
        complete: () => {
          pcm.complete();
        },
      });
      feeding.add(fed);
      if (playing.closed) return;
      const played = withDevice(source, selector, (device) => {
        const chosen = chooseAudio(device, { ...options, sampleRate, selector, direction: "out" });
        return onClock(device, chosen, clock, play(device, chosen, pcm, ready, settings));
      });
      const heard = subscribeInner(played, subscriber, {
        next: (each) => {
          subscriber.next(each);
        },
      });
      playing.add(heard);
    });
}

interface SpeakerSettings {
  readonly underrun: "silence" | "error";
  readonly latency: number;
}

function play(
  device: UsbDevice,
  chosen: ChosenAudio,
  pcm: PcmQueue,
  ready: Observable<void>,
  { underrun, latency }: SpeakerSettings,
): Observable<Played> {
  return new Observable((subscriber) => {
    const { frameDuration } = chosen.format;
    const inFlight = Math.max(2, Math.floor((latency * 1000) / frameDuration));
    const frames = Math.max(1, Math.floor(inFlight / 4));
    const pace = paceOf(device, chosen);
    const playback = new Playback(pcm, pace, chosen, frames, underrun);
    // May be over before anybody listens to its pace.
    const hasPlayed = new ReplaySubject<void>(1);
    const isDeaf = new Subject<void>();
    pcm.start(chosen.format, Math.ceil((chosen.format.sampleRate * latency) / 1000) * chosen.frameSize);
    const played = whenReady(pcm, ready, () => playback.requests()).pipe(
      issue(new AudioPipe(device, chosen), { queue: Math.floor(inFlight / frames) }),
      close(),
      map((results) => playback.played(results)),
    );
    // Each of the two pipes is closing before anybody hears how the other ended.
    const over = () => {
      hasPlayed.next();
    };
    const deaf = () => {
      isDeaf.next();
    };
    subscribeInner(
      merge(
        played.pipe(tap({ error: over, complete: over }), takeUntil(isDeaf)),
        pace.listen.pipe(tap({ error: deaf }), takeUntil(hasPlayed)),
      ),
      subscriber,
      {
        next: (each) => {
          subscriber.next(each);
        },
      },
    );
  });
}

/** Emits the requests once, as soon as there is something to play, or nothing to wait for. */
function whenReady(
  pcm: PcmQueue,
  ready: Observable<void>,
  requests: () => Iterable<IsochRequest>,
): Observable<Iterable<IsochRequest>> {
  return new Observable((subscriber) => {
    const start = () => {
      if (subscriber.closed || !pcm.isReady) return;
      if (!pcm.isDone()) subscriber.next(requests());
      subscriber.complete();
    };
    subscribeInner(ready, subscriber, { next: start });
    start();
  });
}
