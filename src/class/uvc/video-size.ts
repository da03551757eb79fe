import { unusable, type Fields } from "../fields.js";
import { streamingSubtypes } from "./codes.js";
import type { VideoIntervals, VideoSize } from "./model.js";

/** Where the intervals begin, behind the fields that each frame descriptor has. */
const intervalsAt = 26;

/**
 * A frame descriptor of any kind (uncompressed payload 1.5, table 3-2; MJPEG 1.5, table 3-2; frame-based
 * payload 1.5, table 3-2).
 *
 * bFrameIntervalType is believed as far as the descriptor goes: of intervals that it announces and does not
 * have, those that are there count. Intervals of zero are left out, they would be a division by zero.
 */
export function parseSize(fields: Fields): VideoSize {
  fields.atLeast(intervalsAt, "frame");
  const isFrameBased = fields.subtype === streamingSubtypes.frameBasedFrame;
  const width = fields.word(5);
  const height = fields.word(7);
  if (width === 0 || height === 0) unusable(`a size of ${width} × ${height} has no pixels`);
  const intervals = parseIntervals(fields, fields.byte(isFrameBased ? 21 : 25));
  const given = fields.long(isFrameBased ? 17 : 21);
  return {
    index: fields.byte(3),
    width,
    height,
    minBitRate: fields.long(9),
    maxBitRate: fields.long(13),
    maxFrameSize: isFrameBased ? 0 : fields.long(17),
    defaultInterval: nearestInterval(intervals, given),
    intervals,
  };
}

function parseIntervals(fields: Fields, count: number): VideoIntervals {
  const at = (index: number) => fields.long(intervalsAt + 4 * index);
  const there = Math.floor((fields.length - intervalsAt) / 4);
  if (count > 0) {
    const values = Array.from({ length: Math.min(count, there) }, (_, i) => at(i)).filter((value) => value > 0);
    if (values.length === 0) unusable("it has no frame interval");
    return { type: "discrete", values };
  }
  if (there < 3) unusable("its frame intervals are stepped, and their range is cut off");
  const min = at(0);
  const max = at(1);
  if (min === 0 || max < min) unusable(`its frame intervals are from ${min} to ${max}`);
  // A step of zero, as devices with one interval have it, is a range of two values at most.
  return { type: "stepped", min, max, step: at(2) === 0 ? Math.max(1, max - min) : at(2) };
}

/** The interval that a size has and that is nearest to one that is wanted, in units of 100 ns. */
export function nearestInterval(intervals: VideoIntervals, wanted: number): number {
  if (intervals.type === "discrete") {
    return intervals.values.reduce((best, value) =>
      Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best,
    );
  }
  const { min, max, step } = intervals;
  const steps = Math.round((Math.min(Math.max(wanted, min), max) - min) / step);
  return min + Math.min(steps, Math.floor((max - min) / step)) * step;
}
