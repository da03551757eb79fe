import { inject, NgZone } from "@angular/core";

/**
 * What runs a function where zone.js, in an application that has it, does not see what the function
 * starts: no timer and no USB transfer sets off a change detection. Needs an injection context.
 */
export function injectOutsideZone(): <T>(work: () => T) => T {
  const zone = inject(NgZone, { optional: true });
  return (work) => (zone === null ? work() : zone.runOutsideAngular(work));
}
