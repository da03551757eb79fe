import type { IsochTransfer } from "../transfer.js";
import { transferHandles, type TransferState } from "./handles.js";

/**
 * Ends the handles of transfers, complete or not, without another callback. Where the transport can
 * block, it has let go of their buffers when this returns.
 */
export function closeTransfers(states: readonly TransferState[]): void {
  for (const state of states) {
    transferHandles.close(state.handle);
    state.pipe.transfers.delete(state);
    state.notification?.unsubscribe();
    state.transfer.abort();
  }
  for (const { pipe, transfer } of states) {
    if (pipe.session.capabilities.blocking) drain(transfer);
    transfer.close();
  }
}

function drain(transfer: IsochTransfer): void {
  try {
    transfer.wait();
  } catch {
    // Closing goes on: the transport lets go of the buffer when it can.
  }
}
