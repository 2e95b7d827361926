/** Ops that submit tasks of their own, and some for them to submit. */
import { threadId } from 'node:worker_threads';
import { defineOp } from '@millrace/workers';

const url = import.meta.url;

export const sum = defineOp(url, 'sum', {
  run: (bytes) => bytes.reduce((total, byte) => total + byte, 0),
});

export const where = defineOp(url, 'where', { run: () => threadId });

export const refuse = defineOp(url, 'refuse', {
  run() {
    throw Object.assign(new TypeError('not like this'), { code: 'E_LIKE_THIS' });
  },
});

export const describe = defineOp(url, 'describe', {
  run: (bytes, { label }) => ({ label, sizes: new Map([['bytes', bytes.length]]), big: 7n }),
});

/** Cuts its input into parts and has others sum them up. */
export const sumInParts = defineOp(url, 'sumInParts', {
  async run(bytes, { parts }, { mill }) {
    const size = Math.ceil(bytes.length / parts);
    const sums = await Promise.all(
      Array.from({ length: parts }, (_, i) => mill.run(sum, bytes.slice(i * size, (i + 1) * size))),
    );
    return sums.reduce((total, part) => total + part, 0);
  },
});

/** Fans out and out again, `depth` levels deep: how many leaves there were. */
export const tree = defineOp(url, 'tree', {
  async run(_bytes, { depth }, { mill }) {
    if (depth === 0) return 1;
    const branches = await Promise.all(
      [0, 1, 2].map(() => mill.run(tree, undefined, { depth: depth - 1 })),
    );
    return branches.reduce((total, leaves) => total + leaves, 0);
  },
});

export const failInside = defineOp(url, 'failInside', {
  async run(_bytes, _params, { mill }) {
    try {
      await mill.run(refuse);
      return 'it went well';
    } catch ({ code, message, cause }) {
      return { code, message, causeCode: cause.code };
    }
  },
});

/** Submits much and dies over it. */
export const dieOverChildren = defineOp(url, 'dieOverChildren', {
  async run(_bytes, _params, { mill, buffers }) {
    const slice = buffers.acquire(100_000);
    void mill.run(linger, slice).catch(() => {});
    for (let i = 0; i < 400; i++) void mill.run(describe, new Uint8Array(1000), { label: `${i}` });
    await mill.run(sum, new Uint8Array(10));
    process.exit(1);
  },
});

/** How many of these have come to where its input says; keeps its thread until `count` have. */
export const meet = defineOp(url, 'meet', {
  run(bytes, { count }) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, 1);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    for (let there = 0; (there = Atomics.load(words, 0)) < count;) {
      if (Atomics.wait(words, 0, there, 20_000) === 'timed-out') return Atomics.load(words, 0);
    }
    return count;
  },
});

/** Has `count` tasks meet, each of which has a thread to itself until then. */
export async function meeting(mill, buffers, count) {
  const slice = buffers.acquire(4);
  slice.bytes.fill(0);
  const met = await Promise.all(
    Array.from({ length: count }, () => mill.run(meet, slice, { count })),
  );
  slice.release();
  return met;
}

export const meetInside = defineOp(url, 'meetInside', {
  run: (_bytes, { count }, { mill, buffers }) => meeting(mill, buffers, count),
});

/** Takes a while, unless it is told to end. */
export const linger = defineOp(url, 'linger', {
  inPlace: true,
  async run(_bytes, _params, { signal }) {
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  },
});

/** A large operation that has another done within. */
export const largeInLarge = defineOp(url, 'largeInLarge', {
  async run(bytes, _params, { mill }) {
    return mill.run(sum, bytes);
  },
});
