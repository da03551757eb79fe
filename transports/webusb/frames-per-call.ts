/** More packets than that Linux takes in no transfer. */
export const maxFramesPerCall = 128;

/** What is lost with a packet that failed, where nothing else was asked for. */
const most = { microseconds: 4000, frames: 32 } as const;

/** Frames in a call: few, as all of them are lost with one that failed, but not so few that calls are all that is done. */
export function defaultFramesPerCall(frameDuration: number): number {
  return Math.max(1, Math.min(most.frames, Math.round(most.microseconds / frameDuration)));
}
