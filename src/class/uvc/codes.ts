/** Class, subclasses and descriptor types of UVC (UVC 1.5, A.1 to A.4). */
export const videoClass = 0x0e;
export const videoSubclasses = { control: 1, streaming: 2 } as const;
export const classInterface = 0x24;

/** bDescriptorSubtype of a VideoControl interface (UVC 1.5, A.5). */
export const controlSubtypes = {
  header: 1,
  inputTerminal: 2,
  outputTerminal: 3,
  selectorUnit: 4,
  processingUnit: 5,
  extensionUnit: 6,
  encodingUnit: 7,
} as const;

/** bDescriptorSubtype of a VideoStreaming interface (UVC 1.5, A.6). */
export const streamingSubtypes = {
  inputHeader: 0x01,
  outputHeader: 0x02,
  stillImageFrame: 0x03,
  uncompressedFormat: 0x04,
  uncompressedFrame: 0x05,
  mjpegFormat: 0x06,
  mjpegFrame: 0x07,
  colorFormat: 0x0d,
  frameBasedFormat: 0x10,
  frameBasedFrame: 0x11,
} as const;

/** bRequest of class-specific requests (UVC 1.5, A.8). */
export const requests = {
  setCur: 0x01,
  getCur: 0x81,
  getMin: 0x82,
  getMax: 0x83,
  getDef: 0x87,
} as const;

/** Control selectors of a VideoStreaming interface (UVC 1.5, A.9.7). */
export const streamingControls = { probe: 1, commit: 2 } as const;
