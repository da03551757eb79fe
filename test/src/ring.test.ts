import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ring } from "../../src/ring.js";

describe("Ring", () => {
  it("does what an array does, up to its capacity", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean()), (capacity, pushes) => {
        const ring = new Ring<number>(capacity);
        const model: number[] = [];
        pushes.forEach((isPush, i) => {
          if (!isPush) expect(ring.shift()).toBe(model.shift());
          else if (!ring.isFull) {
            ring.push(i);
            model.push(i);
          }
          expect(ring.length).toBe(model.length);
          expect(ring.isFull).toBe(model.length === capacity);
        });
      }),
    );
  });
});
