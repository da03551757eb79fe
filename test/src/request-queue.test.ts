import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { RequestQueue, type RequestSource } from "../../src/request-queue.js";
import type { IsochRequest } from "../../src/index.js";
import { failure, plain, thrown, type PlainError } from "../support/plain-error.js";

const request = (lengths: number): IsochRequest => ({ lengths, frames: 1 });

function queueOf(limit = 10) {
  const errors: PlainError[] = [];
  const events = { ready: 0, errors };
  const queue = new RequestQueue(limit, {
    ready: () => {
      events.ready++;
    },
    failed: (error) => {
      errors.push(plain(error));
      queue.discard();
    },
  });
  /** The lengths of the requests that are ready. */
  const takeAll = () => {
    const taken: unknown[] = [];
    for (let each = queue.take(); each !== undefined; each = queue.take()) taken.push(each.lengths);
    return taken;
  };
  return { queue, events, takeAll };
}

describe("RequestQueue, pushed requests", () => {
  it("come out in their order, and nothing after them", () => {
    const { queue, takeAll } = queueOf();
    expect(queue.isEmpty).toBe(true);
    for (const length of [1, 2, 3]) queue.push(request(length));
    expect(queue.isEmpty).toBe(false);
    expect(takeAll()).toStrictEqual([1, 2, 3]);
    expect(queue.isEmpty).toBe(true);
    expect(queue.take()).toBeUndefined();
  });

  it("are bounded", () => {
    const { queue } = queueOf(2);
    queue.push(request(1));
    queue.push(request(2));
    expect(thrown(() => queue.push(request(3)))).toStrictEqual(
      failure("OverflowError", "backlog-full", "2 requests wait", "at the pace of the bus"),
    );
    queue.take();
    expect(() => {
      queue.push(request(3));
    }).not.toThrow();
  });

  it.each([undefined, null, 1, "request", true])("have to be objects, not %s", (garbage) => {
    const { queue } = queueOf();
    expect(thrown(() => queue.push(garbage as unknown as RequestSource))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", `a request is an object with lengths, not ${garbage}`),
    );
    expect(queue.isEmpty).toBe(true);
  });
});

describe("RequestQueue, iterables", () => {
  function counted(count: number, log: string[]): Iterable<IsochRequest> {
    return (function* () {
      try {
        for (let i = 1; i <= count; i++) {
          log.push(`pulled ${i}`);
          yield request(i);
        }
        log.push("end");
      } finally {
        log.push("finally");
      }
    })();
  }

  it("are pulled from one at a time, when a request is taken", () => {
    const log: string[] = [];
    const { queue } = queueOf();
    queue.push(counted(3, log));
    expect(log).toStrictEqual([]);
    expect(queue.take()?.lengths).toBe(1);
    expect(log).toStrictEqual(["pulled 1"]);
    expect(queue.isEmpty).toBe(false);
    queue.take();
    queue.take();
    expect(queue.take()).toBeUndefined();
    expect(log).toStrictEqual(["pulled 1", "pulled 2", "pulled 3", "end", "finally"]);
    expect(queue.isEmpty).toBe(true);
  });

  it("take their turn among pushed requests", () => {
    const { queue, takeAll } = queueOf();
    queue.push(request(8));
    queue.push([request(1), request(2)]);
    queue.push([]);
    queue.push(request(9));
    expect(takeAll()).toStrictEqual([8, 1, 2, 9]);
  });

  it("are told when nobody wants more, once", () => {
    const log: string[] = [];
    const { queue } = queueOf();
    queue.push(counted(3, log));
    queue.take();
    queue.discard();
    queue.discard();
    expect(log).toStrictEqual(["pulled 1", "finally"]);
    expect(queue.take()).toBeUndefined();
    expect(queue.isEmpty).toBe(true);
  });

  it("may have it discarded while they run, and are ended all the same", () => {
    const { queue } = queueOf();
    let isEnded = false;
    queue.push(
      (function* () {
        try {
          yield request(1);
          queue.discard();
          yield request(2);
        } finally {
          isEnded = true;
        }
      })(),
    );
    expect(queue.take()?.lengths).toBe(1);
    expect(queue.take()).toBeUndefined();
    expect(isEnded).toBe(true);
  });

  it("may fail to stop, which nobody is left to hear of", async () => {
    const { queue, events } = queueOf();
    queue.push({
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: request(1) }),
        return: () => {
          throw new Error("will not stop");
        },
      }),
    });
    queue.take();
    expect(() => {
      queue.discard();
    }).not.toThrow();
    await setImmediate();
    expect(events.errors).toStrictEqual([]);
  });

  it("fail with what they throw", () => {
    const { queue, events } = queueOf();
    queue.push(
      (function* () {
        yield request(1);
        throw new RangeError("no more");
      })(),
    );
    expect(queue.take()?.lengths).toBe(1);
    expect(queue.take()).toBeUndefined();
    expect(events.errors).toStrictEqual([{ class: "RangeError", code: "none", message: "RangeError: no more" }]);
  });

  it("fail where they cannot even begin", () => {
    for (const key of [Symbol.iterator, Symbol.asyncIterator]) {
      const { queue, events } = queueOf();
      queue.push({
        [key]: () => {
          throw new RangeError("no iterator");
        },
      } as unknown as Iterable<IsochRequest>);
      expect(queue.take()).toBeUndefined();
      expect(events.errors.map(({ message }) => message)).toStrictEqual(["RangeError: no iterator"]);
    }
  });

  it.each([undefined, null, 5, "request"])("fail where they hold what is no request (%s), and are ended", (garbage) => {
    const { queue, events } = queueOf();
    let isEnded = false;
    queue.push(
      (function* () {
        try {
          yield request(1);
          yield garbage as unknown as IsochRequest;
        } finally {
          isEnded = true;
        }
      })(),
    );
    expect(queue.take()?.lengths).toBe(1);
    expect(queue.take()).toBeUndefined();
    expect(events.errors).toStrictEqual([
      failure("InvalidRequestError", "invalid-option", `a request is an object with lengths, not ${garbage}`),
    ]);
    expect(isEnded).toBe(true);
  });

  it("fail where they are sparse arrays", () => {
    const sparse: IsochRequest[] = [request(1)];
    sparse[2] = request(3);
    const { queue, events, takeAll } = queueOf();
    queue.push(sparse);
    expect(takeAll()).toStrictEqual([1]);
    expect(events.errors).toHaveLength(1);
  });
});

describe("RequestQueue, async iterables", () => {
  it("are pulled from one at a time, and say when there is something", async () => {
    const log: string[] = [];
    const { queue, events } = queueOf();
    queue.push(
      (async function* () {
        for (let i = 1; i <= 2; i++) {
          await setImmediate();
          log.push(`made ${i}`);
          yield request(i);
        }
      })(),
    );
    expect(queue.take()).toBeUndefined();
    expect(queue.take()).toBeUndefined();
    await setImmediate();
    await setImmediate();
    expect(log).toStrictEqual(["made 1"]);
    expect(events.ready).toBe(1);
    expect(queue.isEmpty).toBe(false);
    expect(queue.take()?.lengths).toBe(1);
    expect(queue.take()).toBeUndefined();
    await setImmediate();
    await setImmediate();
    expect(queue.take()?.lengths).toBe(2);
    expect(queue.take()).toBeUndefined();
    expect(queue.isEmpty).toBe(false);
    await setImmediate();
    expect(queue.take()).toBeUndefined();
    expect(queue.isEmpty).toBe(true);
    expect(events).toStrictEqual({ ready: 3, errors: [] });
  });

  it("deliver nothing once it is discarded, and are told", async () => {
    let isEnded = false;
    const { queue, events } = queueOf();
    queue.push(
      (async function* () {
        try {
          await setImmediate();
          yield request(1);
        } finally {
          isEnded = true;
        }
      })(),
    );
    queue.take();
    queue.discard();
    await setImmediate();
    await setImmediate();
    expect(isEnded).toBe(true);
    expect(queue.take()).toBeUndefined();
    expect(events).toStrictEqual({ ready: 0, errors: [] });
  });

  it.each<[string, () => Promise<IteratorResult<IsochRequest>>]>([
    ["reject", () => Promise.reject(new RangeError("no more"))],
    ["hold what is no request", () => Promise.resolve({ done: false, value: null as unknown as IsochRequest })],
    ["break the protocol", () => Promise.resolve(null as unknown as IteratorResult<IsochRequest>)],
  ])("fail once where they %s", async (_, next) => {
    const { queue, events } = queueOf();
    queue.push({ [Symbol.asyncIterator]: () => ({ next }) });
    queue.take();
    await setImmediate();
    expect(events.errors).toHaveLength(1);
    expect(queue.take()).toBeUndefined();
    expect(queue.isEmpty).toBe(true);
  });

  it("may reject after it was discarded, which nobody is left to hear of", async () => {
    const { queue, events } = queueOf();
    queue.push({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("too late")),
        return: () => Promise.reject(new Error("will not stop")),
      }),
    });
    queue.take();
    queue.discard();
    await setImmediate();
    expect(events).toStrictEqual({ ready: 0, errors: [] });
  });
});
