import { slotSize, type PcmFormat } from "../../src/pcm.js";

/**
 * A {@link PcmFormat} in a few letters, as ffmpeg names the most of them: `s16`, `u8`, `f32`.
 * @internal
 */
export function sampleName(format: PcmFormat): string {
  const { kind = "pcm" } = format;
  return `${{ pcm: "s", pcm8: "u", float: "f" }[kind]}${slotSize(format) * 8}`;
}
