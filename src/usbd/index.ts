export {
  USB_COMPRESS_ISOCH,
  USB_DONT_BLOCK_FOR_MEM,
  USB_IN_TRANSFER,
  USB_NO_WAIT,
  USB_OUT_TRANSFER,
  USB_SEND_TO_DEVICE,
  USB_SEND_TO_ENDPOINT,
  USB_SEND_TO_INTERFACE,
  USB_SHORT_TRANSFER_OK,
  USB_START_ISOCH_ASAP,
} from "./flags.js";
export { GetFrameLength, GetFrameNumber } from "./frames.js";
export type { USB_HANDLE, USB_PIPE, USB_TRANSFER } from "./handles.js";
export { IssueIsochTransfer, type LPTRANSFER_NOTIFY_ROUTINE } from "./issue-isoch-transfer.js";
export {
  ERROR_ACCESS_DENIED,
  ERROR_BUFFER_OVERFLOW,
  ERROR_BUSY,
  ERROR_DEV_NOT_EXIST,
  ERROR_DEVICE_NOT_CONNECTED,
  ERROR_GEN_FAILURE,
  ERROR_INVALID_DATA,
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
  ERROR_IO_INCOMPLETE,
  ERROR_NO_SYSTEM_RESOURCES,
  ERROR_NOT_ENOUGH_MEMORY,
  ERROR_NOT_SUPPORTED,
  ERROR_SUCCESS,
  GetLastError,
  getLastIsochError,
  SetLastError,
} from "./last-error.js";
export { OpenPipe, openUsbPipe, usbHandleOf } from "./open-pipe.js";
export { allocatePhysical, freePhysical, type PhysicalMemory } from "./physical.js";
export { AbortPipeTransfers, ClosePipe, IsPipeHalted, ResetPipe } from "./pipes.js";
export {
  AbortTransfer,
  CloseTransfer,
  GetIsochResults,
  GetTransferStatus,
  isochResultsOf,
  IsTransferComplete,
} from "./transfers.js";
export {
  USB_BIT_STUFFING_ERROR,
  USB_BUFFER_OVERRUN_ERROR,
  USB_BUFFER_UNDERRUN_ERROR,
  USB_CANCELED_ERROR,
  USB_CLIENT_BUFFER_ERROR,
  USB_CRC_ERROR,
  USB_DATA_OVERRUN_ERROR,
  USB_DATA_TOGGLE_MISMATCH_ERROR,
  USB_DATA_UNDERRUN_ERROR,
  USB_DEVICE_NOT_RESPONDING_ERROR,
  USB_ISOCH_ERROR,
  USB_NO_ERROR,
  USB_NOT_ACCESSED_ERROR,
  USB_NOT_COMPLETE_ERROR,
  USB_PID_CHECK_FAILURE_ERROR,
  USB_STALL_ERROR,
  USB_UNEXPECTED_PID_ERROR,
} from "./usb-errors.js";
