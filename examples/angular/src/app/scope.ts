import { Component, computed, input } from "@angular/core";

const width = 600;
const height = 160;

/** The waveform of the microphone. */
@Component({
  selector: "app-scope",
  template: `
    <svg [attr.viewBox]="viewBox" preserveAspectRatio="none" role="img" aria-label="The waveform of the microphone">
      <path class="axis" [attr.d]="axis" />
      <path class="wave" [attr.d]="wave()" />
    </svg>
  `,
})
export class Scope {
  /** From -1 to 1. */
  readonly samples = input.required<Float32Array | undefined>();
  protected readonly viewBox = `0 0 ${width} ${height}`;
  protected readonly axis = `M0 ${height / 2}H${width}`;
  protected readonly wave = computed(() => {
    const samples = this.samples() ?? new Float32Array(2);
    const step = width / (samples.length - 1);
    const points = Array.from(
      samples,
      (sample, i) => `${(i * step).toFixed(1)} ${((1 - sample) * (height / 2)).toFixed(1)}`,
    );
    return `M${points.join("L")}`;
  });
}
