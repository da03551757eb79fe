import { Component, effect, type ElementRef, input, viewChild } from "@angular/core";
import { toRgba } from "../usb/pictures";
import { demo } from "../usb/protocol";

/** The picture of the camera. */
@Component({
  selector: "app-picture",
  template: `<canvas #canvas [width]="width" [height]="height" aria-label="The picture of the camera"></canvas>`,
})
export class Picture {
  /** In YUY2. */
  readonly picture = input.required<Uint8Array | undefined>();
  protected readonly width = demo.camera.width;
  protected readonly height = demo.camera.height;
  private readonly canvas = viewChild.required<ElementRef<HTMLCanvasElement>>("canvas");
  readonly #image = new ImageData(this.width, this.height);

  constructor() {
    effect(() => {
      const picture = this.picture();
      if (picture === undefined) return;
      toRgba(picture, this.#image.data);
      this.canvas().nativeElement.getContext("2d")?.putImageData(this.#image, 0, 0);
    });
  }
}
