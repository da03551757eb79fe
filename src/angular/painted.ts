import { animationFrames, audit, auditTime, type MonoTypeOperatorFunction } from "rxjs";

/** Milliseconds between values where nothing is painted: about as long as an animation frame. */
const unpaintedPace = 16;

/**
 * At most one value per animation frame, the latest; on a server, which paints nothing, one every
 * 16 ms. While a page is hidden its browser paints nothing either, and the latest value waits.
 */
export function painted<T>(): MonoTypeOperatorFunction<T> {
  // Not on animationFrameScheduler, which everybody shares: what others throw there would end this, too.
  return "requestAnimationFrame" in globalThis ? audit(() => animationFrames()) : auditTime(unpaintedPace);
}
