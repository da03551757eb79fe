/** The transfer goes to the host. It must be the direction of the pipe. */
export const USB_IN_TRANSFER = 0x80;

/** The transfer goes to the device: no bit is set. It must be the direction of the pipe. */
export const USB_OUT_TRANSFER = 0x0;

/** The call returns at once, and what it started goes on. */
export const USB_NO_WAIT = 0x100;

/** Short packets are welcome. They always are in an isochronous transfer, so this changes nothing there. */
export const USB_SHORT_TRANSFER_OK = 0x200;

/** The transfer starts as soon as possible: directly after what is queued, else a few frames from now. */
export const USB_START_ISOCH_ASAP = 0x400;

/** IN only, and not with a physical address: the data is contiguous in the buffer although frames came short. */
export const USB_COMPRESS_ISOCH = 0x800;

/** For control requests; {@link IssueIsochTransfer} refuses it. */
export const USB_SEND_TO_DEVICE = 0x1000;

/** For control requests; {@link IssueIsochTransfer} refuses it. */
export const USB_SEND_TO_INTERFACE = 0x2000;

/** For control requests; {@link IssueIsochTransfer} refuses it. */
export const USB_SEND_TO_ENDPOINT = 0x4000;

/** The call fails rather than waits for memory. It never waits for memory here, so this changes nothing. */
export const USB_DONT_BLOCK_FOR_MEM = 0x8000;
