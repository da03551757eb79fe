import { map, Observable, of, switchMap, takeUntil } from "rxjs";
import { chooseVideo } from "../../class/uvc/index.js";
import { isochPipe, IsochResults, type EndpointSelector, type UsbDevice } from "../../index.js";
import { subscribeInner } from "../../subscribe-inner.js";
import type { StreamTarget } from "../target.js";
import { openVideo } from "../video/open-video.js";
import { whileOpen } from "../while-open.js";
import type { CaptureContext } from "./format.js";

/**
 * What the endpoint brings, a transfer at a time, until enough frames have come or it is to stop. Completes
 * when the device is closed.
 *
 * Errors: those of `openDevice` and of `IsochPipe.results`.
 */
export function capturedResults(target: StreamTarget, context: CaptureContext): Observable<IsochResults> {
  const { frames = Infinity, transfer, queue, pause, stop } = context;
  return whileOpen(target, stop, (device) =>
    carrierOf(device, target).pipe(
      switchMap((endpoint) => isochPipe(device, endpoint).results({ frames: transfer, queue, pause })),
      firstFrames(frames),
      takeUntil(stop),
    ),
  );
}

/** The endpoint, of a device that is ready to send: a camera is once it has agreed on a picture. */
function carrierOf(device: UsbDevice, { isCamera, endpoint }: StreamTarget): Observable<EndpointSelector> {
  if (isCamera !== true) return of(endpoint);
  return openVideo(device, chooseVideo).pipe(map(({ alternate }) => alternate));
}

/** Results until they have so many frames together; the last is cut to fit. */
export function firstFrames(frames: number) {
  return (source: Observable<IsochResults>): Observable<IsochResults> =>
    new Observable((subscriber) => {
      let left = frames;
      subscribeInner(source, subscriber, {
        next: (results) => {
          subscriber.next(results.served <= left ? results : head(results, left));
          left -= results.served;
          if (left <= 0) subscriber.complete();
        },
      });
    });
}

function head(results: IsochResults, frames: number): IsochResults {
  const { firstFrame, lost, nativeStatuses, compacted, timestamp } = results;
  const requested = results.requested.slice(0, frames);
  const actual = results.actual.slice(0, frames);
  const length = (compacted ? actual : requested).reduce((sum, each) => sum + each, 0);
  return new IsochResults({
    firstFrame,
    lost,
    requested,
    actual,
    statuses: results.statuses.slice(0, frames),
    nativeStatuses: nativeStatuses?.slice(0, frames),
    data: results.data.subarray(0, length),
    compacted,
    timestamp,
  });
}
