import { TransportError } from "../../../src/index.js";

/**
 * What a capture says cannot be.
 *
 * @param offset the byte of the capture
 */
export function damaged(offset: number, what: string): TransportError {
  return new TransportError(
    "protocol-error",
    `the capture is damaged at byte ${offset}: ${what}; repair it (tshark -r <file> -w <new file>), or record it again`,
  );
}
