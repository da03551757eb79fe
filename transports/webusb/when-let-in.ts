import { nameOf } from "./errors.js";

/** Milliseconds between tries. */
const pause = 20;
/** Tries in all: about a second. */
const most = 50;

/**
 * Makes a call that browsers refuse, with InvalidStateError, while code beside this transport changes the
 * device: again and again until they let it in.
 *
 * @param isMoot whether there is nothing left to do; asked after a refusal
 */
export async function whenLetIn(work: () => Promise<void>, isMoot = () => false): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await work();
      return;
    } catch (error) {
      if (nameOf(error) !== "InvalidStateError" || tries === most) throw error;
      if (isMoot()) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
