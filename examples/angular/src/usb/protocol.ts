/** What the demonstration device and the page agree on. */
export const demo = {
  vendorId: 0x1209,
  productId: 0x0d30,
  camera: { endpoint: 0x81, width: 320, height: 240, picturesPerSecond: 25 },
  microphone: { endpoint: 0x82, sampleRate: 48_000 },
} as const;

/** The device, without an endpoint of it. */
export const demoIds = { vendorId: demo.vendorId, productId: demo.productId } as const;

/** Bytes before the picture in each packet: their number, and the flags. As in the USB video class. */
export const headerSize = 2;
/** Flag: changes with each picture. */
export const pictureId = 1;
/** Flag: the last packet of a picture. */
export const endOfPicture = 2;

/** Bytes of a picture in YUY2: Y0 U Y1 V for two pixels. */
export const pictureSize = demo.camera.width * demo.camera.height * 2;
