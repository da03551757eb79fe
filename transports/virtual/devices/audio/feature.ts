/** In 1/256 dB. */
export const volumeRange = { minimum: -60 * 256, maximum: 0, resolution: 256 } as const;

/** What the feature unit of a device does to the sound of all channels together. */
export class Feature {
  isMuted = false;
  #volume = 0;

  /** In 1/256 dB; the closest that there is to what it is set to. */
  get volume(): number {
    return this.#volume;
  }

  set volume(asked: number) {
    const { minimum, maximum, resolution } = volumeRange;
    this.#volume = Math.min(maximum, Math.max(minimum, resolution * Math.round(asked / resolution)));
  }
}
