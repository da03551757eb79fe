import { Component, effect, type ElementRef, input, viewChild } from "@angular/core";
import { toRgba, type VideoFrame } from "rx-isoch/class/uvc";
import { demo } from "../usb/protocol";

/** The picture of the camera. */
@Component({
  selector: "app-picture",
  template: `<canvas #canvas [width]="width" [height]="height" aria-label="The picture of the camera"></canvas>`,
})
export class Picture {
  readonly picture = input.required<VideoFrame | undefined>();
  protected readonly width = demo.camera.width;
  protected readonly height = demo.camera.height;
  private readonly canvas = viewChild.required<ElementRef<HTMLCanvasElement>>("canvas");

  constructor() {
    effect(() => {
      const picture = this.picture();
      if (picture === undefined) return;
      const image = new ImageData(toRgba(picture), picture.width, picture.height);
      this.canvas().nativeElement.getContext("2d")?.putImageData(image, 0, 0);
    });
  }
}
