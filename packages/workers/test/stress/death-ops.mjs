/**
 * Ops whose thread dies. `marks` is shared with the test:
 *
 *   word 0   1 once those that wait may go on
 *   word 1   how many have come to where they die, or wait
 *   word 2   the thread that came last
 */
import { threadId } from 'node:worker_threads';
import { defineOp } from '@millrace/workers';

const url = import.meta.url;
const kept = [];

const deaths = {
  throw() {
    throw new Error('thrown by the op');
  },
  'exit(0)': () => process.exit(0),
  'exit(1)': () => process.exit(1),
  'stray error'() {
    setImmediate(() => {
      throw new Error('thrown outside of the op');
    });
    return new Promise(() => {});
  },
  rejection() {
    void Promise.reject(new Error('rejected, unhandled'));
    return new Promise(() => {});
  },
  'out of memory'() {
    for (;;) kept.push(Array.from({ length: 1e5 }, (_, i) => i + 0.5));
  },
  'endless loop'() {
    for (;;);
  },
  /** The main thread ends it; the try after that goes on when it may. */
  terminate(marks) {
    Atomics.wait(marks, 0, 0);
    return undefined;
  },
};

/** Whether the thread lives on when its op has come to its end: it was not terminated, or not this time. */
const lives = (how) => how === 'throw' || how === 'terminate';

function arrive(marks) {
  Atomics.store(marks, 2, threadId);
  Atomics.add(marks, 1, 1);
}

/** Dies, or fails, as its params say. */
export const dies = defineOp(url, 'dies', {
  run(_bytes, { marks, how }) {
    arrive(marks);
    return deaths[how](marks);
  },
});

/** The same, with slices of several classes in its hands. */
export const diesWithSlices = defineOp(url, 'diesWithSlices', {
  run(bytes, { marks, how }, { buffers }) {
    const slices = [10, 5000, 40_000, 300_000, 5_000_000].map((size) => buffers.acquire(size));
    slices[2].bytes.set(bytes);
    arrive(marks);
    try {
      return deaths[how](marks);
    } finally {
      // A thread that lives keeps what it has leased. Those that die do not come here, or later.
      if (lives(how)) for (const slice of slices) slice.release();
    }
  },
});

/** The same, while an operation that it has submitted holds the only permit for large ones. */
export const diesWithPermit = defineOp(url, 'diesWithPermit', {
  async run(_bytes, { marks, how, large }, { mill, buffers }) {
    const object = buffers.acquire(large);
    Atomics.store(object.bytes, 0, 0);
    const controller = new AbortController();
    const { signal } = controller;
    const holding = mill.run(holds, object, undefined, { signal }).catch(() => {});
    while (Atomics.load(object.bytes, 0) === 0)
      await new Promise((resolve) => setImmediate(resolve));
    arrive(marks);
    try {
      return deaths[how](marks);
    } finally {
      if (lives(how)) {
        controller.abort();
        await holding;
        object.release();
      }
    }
  },
});

/** A large operation that goes on until it is told to end, and leaves its thread to others: it may be the submitter's. */
export const holds = defineOp(url, 'holds', {
  async run(bytes, _params, { signal }) {
    Atomics.store(bytes, 0, 1);
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  },
});

/** Ends, and leaves behind what kills its thread when the event loop turns next. */
export const leavesBomb = defineOp(url, 'leavesBomb', {
  run(_bytes, { marks, how }) {
    arrive(marks);
    if (how !== 'throw') setImmediate(() => void deaths[how](marks));
  },
});

/** Lets the event loop turn. */
export const turns = defineOp(url, 'turns', {
  async run(bytes) {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    return bytes[0];
  },
});

export const tiny = defineOp(url, 'tiny', { run: (bytes) => bytes[0] });

/** Tiny, and hands a slice over. */
export const tinyOutput = defineOp(url, 'tinyOutput', {
  run: (bytes) => ({ first: bytes[0], text: 'x'.repeat(200) }),
});
