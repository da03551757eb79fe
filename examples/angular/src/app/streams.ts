import { computed, inject, Injectable } from "@angular/core";
import { isochPipe, type IsochError, type IsochResults } from "rx-isoch";
import { isochStream, latestSignal, replug, type IsochStream } from "rx-isoch/angular";
import { throughput, type Throughput } from "rx-isoch/operators";
import { videoFrames } from "rx-isoch/operators/media";
import { concat, of, type OperatorFunction } from "rxjs";
import { demo, demoIds } from "../usb/protocol";
import { waveform } from "../usb/waveform";
import { Sources } from "./sources";

const { width, height } = demo.camera;

/** The camera and the microphone of the device, as signals. */
@Injectable({ providedIn: "root" })
export class Streams {
  readonly #sources = inject(Sources);

  readonly camera = this.#stream(demo.camera.endpoint);
  readonly picture = latestSignal(this.camera.eachRun(videoFrames({ format: "yuy2", width, height })));
  readonly cameraRates = latestSignal(this.camera.eachRun(rates()));

  readonly microphone = this.#stream(demo.microphone.endpoint);
  readonly waveform = latestSignal(this.microphone.eachRun(waveform(1200)));
  readonly microphoneRates = latestSignal(this.microphone.eachRun(rates()));

  /** Both together, as far as they have something to tell. */
  readonly state = computed(() => {
    const states = [this.camera.state(), this.microphone.state()];
    return (["failed", "stopping", "opening", "streaming"] as const).find((state) => states.includes(state)) ?? "idle";
  });
  readonly error = computed<IsochError | undefined>(() => this.camera.error() ?? this.microphone.error());
  readonly isRunning = computed(() => this.state() === "opening" || this.state() === "streaming");

  start(): void {
    this.camera.start();
    this.microphone.start();
  }

  stop(): void {
    this.camera.stop();
    this.microphone.stop();
  }

  #stream(endpoint: number): IsochStream {
    return isochStream(() => isochPipe(this.#sources.transport(), { ...demoIds, endpoint }), {
      // Transfers in flight: a quarter of a second of the camera, for networks.
      stream: { queue: 32 },
      restart: replug(() => this.#sources.transport(), demoIds),
    });
  }
}

/** The rates of a run, and none once it is over. */
function rates(): OperatorFunction<IsochResults, Throughput | undefined> {
  return (run) => concat(run.pipe(throughput({ window: 500 })), of(undefined));
}
