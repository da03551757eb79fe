import { computed, Injectable, signal } from "@angular/core";
import { UnsupportedError, type IsochTransport } from "rx-isoch";
import { EMPTY, type Observable } from "rxjs";
import { usbip } from "rx-isoch/transports/usbip";
import { connectWebSocket } from "rx-isoch/transports/usbip/websocket";
import { VirtualBus, type Attachment } from "rx-isoch/transports/virtual";
import { webusb, type WebUsb } from "rx-isoch/transports/webusb";
import { LiveCount } from "../usb/counted";
import { DemoDevice } from "../usb/demo-device";
import { demoIds } from "../usb/protocol";

/** Where the device is: on a bus inside the page, at a bridge, or at a USB port of this machine. */
export type Source = "virtual" | "bridge" | "webusb";

/** The transports that the page can stream from, and the one that was chosen. */
@Injectable({ providedIn: "root" })
export class Sources {
  readonly chosen = signal<Source>("virtual");
  readonly bridgeUrl = signal("ws://127.0.0.1:3241/");
  readonly isPlugged = signal(true);
  readonly bus = new VirtualBus();
  readonly count = new LiveCount();
  #attachment: Attachment | undefined = this.bus.attach(new DemoDevice());

  readonly #virtual = this.count.counted(this.bus);
  readonly #bridge = computed(() => {
    const url = this.bridgeUrl();
    return this.count.counted(usbip({ connect: connectWebSocket({ url }) }));
  });

  readonly #usb = (navigator as { readonly usb?: WebUsb }).usb;
  readonly #chosenDevices = this.#usb && webusb({ usb: this.#usb });
  readonly #webusb = this.#chosenDevices && this.count.counted(this.#chosenDevices);

  readonly transport = computed<IsochTransport>(() => {
    switch (this.chosen()) {
      case "virtual":
        return this.#virtual;
      case "bridge":
        return this.#bridge();
      case "webusb":
        if (this.#webusb === undefined)
          throw new UnsupportedError("unsupported", "this browser has no WebUSB: Chromium has");
        return this.#webusb;
    }
  });

  /** Asks the user for a device, in a click: a browser shows none that was not chosen. */
  chooseDevice(): Observable<unknown> {
    return this.#chosenDevices?.request({ filters: [demoIds] }) ?? EMPTY;
  }

  unplug(): void {
    this.#attachment?.detach();
    this.#attachment = undefined;
    this.isPlugged.set(false);
  }

  plugIn(): void {
    this.#attachment ??= this.bus.attach(new DemoDevice());
    this.isPlugged.set(true);
  }
}
