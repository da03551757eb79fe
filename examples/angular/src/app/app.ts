import { ApplicationRef, Component, createEnvironmentInjector, EnvironmentInjector, inject } from "@angular/core";
import { Picture } from "./picture";
import { Scope } from "./scope";
import { Sources, type Source } from "./sources";
import { Statistics } from "./statistics";
import { Streams } from "./streams";

@Component({
  selector: "app-root",
  imports: [Picture, Scope, Statistics],
  templateUrl: "./app.html",
})
export class App {
  protected readonly sources = inject(Sources);
  protected readonly streams = inject(Streams);
  protected readonly choices: readonly { readonly source: Source; readonly name: string }[] = [
    { source: "virtual", name: "Virtual device" },
    { source: "bridge", name: "Bridge" },
    { source: "webusb", name: "WebUSB" },
  ];

  constructor() {
    // For the tests of this example: what is held of buses now, and injectors to destroy.
    const { bus, count } = this.sources;
    const parent = inject(EnvironmentInjector);
    const application = inject(ApplicationRef);
    const rxIsoch = {
      held: () => ({ live: count.live, ...bus.audit() }),
      streams: () => {
        const injector = createEnvironmentInjector([Streams], parent);
        const streams = injector.get(Streams);
        return { start: () => streams.start(), state: () => streams.state(), destroy: () => injector.destroy() };
      },
      destroy: () => application.destroy(),
    };
    Object.assign(globalThis, { rxIsoch });
  }

  protected choose(source: Source): void {
    this.streams.stop();
    this.sources.chosen.set(source);
  }

  protected chooseDevice(): void {
    this.sources.chooseDevice().subscribe({
      // Whoever chose none is told at the start that there is none.
      error: (error: unknown) => console.warn(error),
    });
  }
}
