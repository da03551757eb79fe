import { Observable, type Subscriber } from "rxjs";
import { Intake, queueSettings, type QueueOptions, type QueueSettings } from "./intake.js";

/**
 * Where values go one after the other, at a pace of its own.
 * @internal
 */
export interface Sink<T, R> {
  /** Returns, or resolves, when there is room for another. */
  readonly write: (value: T) => Promise<void> | undefined;
  /** There is no more. Resolves when all of it is where it belongs, with what is to be said of it. */
  readonly close: () => Promise<R | undefined>;
  /**
   * There is no more. For a `reason`, the error that is told then, what was written is brought to its end. For
   * `undefined` nobody listens: it is left at once, also while it is closed or brought to its end. Idempotent.
   */
  readonly abort: (reason: unknown) => Promise<void>;
}

/**
 * What a {@link Sink} has to say by itself.
 * @internal
 */
export interface SinkListener<R> {
  /** Passes something on. */
  readonly emit: (value: R) => void;
  /** It failed, or wants no more. */
  readonly over: (end: { readonly error: unknown } | "complete") => void;
}

/**
 * Writes every value into a sink that is opened with the subscription, as fast as it takes them. What
 * had come before an error of the source is written first. Completes when the sink is closed; an
 * unsubscribe aborts it, whatever is waited for, or is taken for the end of the source: then what had come is written
 * in the background.
 *
 * @param whenLeft what an unsubscribe is
 * @throws `InvalidRequestError` for options that cannot mean anything
 * @internal
 */
export function writeAll<T, R>(
  source: Observable<T>,
  options: QueueOptions<T>,
  open: (listener: SinkListener<R>) => Sink<T, R> | Promise<Sink<T, R>>,
  whenLeft: WhenLeft = "abort",
): Observable<R> {
  const settings = queueSettings(options);
  return new Observable((subscriber) => {
    new Writing<T, R>(subscriber, settings, whenLeft).start(source, open);
  });
}

type WhenLeft = "abort" | "finish";

type End = { readonly error: unknown } | "complete";

/** One subscription. */
class Writing<T, R> {
  readonly #subscriber: Subscriber<R>;
  readonly #intake: Intake<T>;
  #sink: Sink<T, R> | undefined;
  /** Set once nothing more will be written. */
  #end: End | undefined;
  /** The subscriber hears of the end. */
  #isTold = false;
  #isWriting = false;

  constructor(subscriber: Subscriber<R>, settings: QueueSettings<T>, whenLeft: WhenLeft) {
    this.#subscriber = subscriber;
    this.#intake = new Intake(settings, () => {
      this.#advance();
    });
    subscriber.add(() => {
      if (whenLeft === "finish" && this.#end === undefined) {
        this.#intake.leave();
        this.#advance();
        return;
      }
      this.#intake.stop();
      if (this.#isTold) return;
      this.#end ??= "complete";
      // Nobody is there any more to hear that it failed.
      this.#sink?.abort(undefined).catch(() => undefined);
    });
  }

  start(source: Observable<T>, open: (listener: SinkListener<R>) => Sink<T, R> | Promise<Sink<T, R>>): void {
    const opened = (sink: Sink<T, R>) => {
      this.#sink = sink;
      if (this.#end === undefined) this.#advance();
      else sink.abort(undefined).catch(() => undefined);
    };
    try {
      const sink = open({
        emit: (value) => {
          this.#subscriber.next(value);
        },
        over: (end) => {
          if (end === "complete") this.#finish(end);
          else this.#fail(end.error);
        },
      });
      if (sink instanceof Promise) sink.then(opened).catch(this.#fail);
      else opened(sink);
    } catch (error) {
      this.#fail(error);
    }
    // What comes before the sink is there waits: a source may be emitting already.
    if (!this.#subscriber.closed) this.#intake.start(source);
  }

  /** Writes while there is room and something to write; then looks what that leaves. */
  #advance(): void {
    const sink = this.#sink;
    if (this.#isWriting || sink === undefined) return;
    this.#isWriting = true;
    try {
      let isTaken = true;
      while (isTaken && this.#end === undefined) {
        let room: Promise<void> | undefined;
        isTaken = this.#intake.take((value) => {
          room = sink.write(value);
        });
        if (room === undefined) continue;
        room
          .then(() => {
            this.#isWriting = false;
            this.#advance();
          })
          .catch(this.#fail);
        return;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isWriting = false;
    const { ended } = this.#intake;
    if (ended === undefined || this.#end !== undefined) return;
    this.#isWriting = true;
    if (ended === "complete") this.#close(sink).catch(this.#fail);
    else this.#fail(ended.error);
  }

  async #close(sink: Sink<T, R>): Promise<void> {
    const result = await sink.close();
    if (result !== undefined) this.#subscriber.next(result);
    this.#finish("complete");
  }

  readonly #fail = (error: unknown): void => {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#intake.stop();
    const told = () => {
      this.#isTold = true;
      this.#subscriber.error(error);
    };
    (this.#sink?.abort(error) ?? Promise.resolve()).then(told, told);
  };

  #finish(end: "complete"): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#isTold = true;
    this.#subscriber.complete();
  }
}
