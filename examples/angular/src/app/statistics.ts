import { DecimalPipe } from "@angular/common";
import { Component, input } from "@angular/core";
import type { StreamTotals } from "rx-isoch/angular";
import type { Throughput } from "rx-isoch/operators";

/** What a stream brought. */
@Component({
  selector: "app-statistics",
  imports: [DecimalPipe],
  template: `
    <dl>
      <div>
        <dt>rate</dt>
        <dd data-test="rate">{{ (rates()?.bytesPerSecond ?? 0) / 1e6 | number: "1.2-2" }} <small>MB/s</small></dd>
      </div>
      <div>
        <dt>frames</dt>
        <dd data-test="frames">{{ totals().frames | number }}</dd>
      </div>
      <div [class.bad]="totals().lost > 0">
        <dt>lost</dt>
        <dd data-test="lost">{{ totals().lost | number }}</dd>
      </div>
      <div>
        <dt>jitter</dt>
        <dd data-test="jitter">{{ (rates()?.jitter ?? 0) / 1e3 | number: "1.2-2" }} <small>ms</small></dd>
      </div>
    </dl>
  `,
})
export class Statistics {
  readonly totals = input.required<StreamTotals>();
  readonly rates = input.required<Throughput | undefined>();
}
