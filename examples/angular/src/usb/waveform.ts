import type { IsochResults } from "rx-isoch";
import { payload } from "rx-isoch/operators";
import { map, type OperatorFunction } from "rxjs";

/** The last samples of the microphone, from -1 to 1, the oldest first. */
export function waveform(samples: number): OperatorFunction<IsochResults, Float32Array> {
  return (source) => {
    const ring = new Float32Array(samples);
    let next = 0;
    return source.pipe(
      payload({ badFrames: "zero" }),
      map((bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        for (let i = 0; i + 1 < bytes.byteLength; i += 2) {
          ring[next] = view.getInt16(i, true) / 32_768;
          next = (next + 1) % samples;
        }
        const ordered = new Float32Array(samples);
        ordered.set(ring.subarray(next));
        ordered.set(ring.subarray(0, next), samples - next);
        return ordered;
      }),
    );
  };
}
