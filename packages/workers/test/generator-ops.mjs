/** Ops that generate. Workers import this file as it is; its types stand beside it. */
import { defineOp } from '@millrace/workers';

const url = import.meta.url;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Each byte as a number. */
export const each = defineOp(url, 'each', {
  generates: true,
  *run(bytes) {
    yield* bytes;
  },
});

export const eachLater = defineOp(url, 'eachLater', {
  generates: true,
  async *run(bytes) {
    for (const byte of bytes) {
      await turn();
      yield byte;
    }
  },
});

/** What its params list. */
export const list = defineOp(url, 'list', {
  generates: true,
  *run(_bytes, { values }) {
    yield* values;
  },
});

/** The input in pieces, all out of one buffer that is used again. */
export const pieces = defineOp(url, 'pieces', {
  generates: true,
  *run(bytes, { size }) {
    const buffer = new Uint8Array(size);
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      buffer.set(piece);
      yield buffer.subarray(0, piece.length);
    }
  },
});

/** The input in pieces, each in a slice. */
export const slices = defineOp(url, 'slices', {
  generates: true,
  *run(bytes, { size }, { buffers }) {
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      const slice = buffers.acquire(piece.length);
      slice.bytes.set(piece);
      yield slice;
    }
  },
});

/**
 * Counts for ever: word 0 says how many outputs it has made, word 1 how often its `finally` has run.
 * Each is a number, or a slice of 1000 bytes.
 */
function* counting({ words, sliced }, { buffers }) {
  try {
    for (let n = 1; ; n++) {
      Atomics.add(words, 0, 1);
      yield sliced ? buffers.acquire(1000) : n;
    }
  } finally {
    Atomics.add(words, 1, 1);
  }
}

export const count = defineOp(url, 'count', {
  generates: true,
  *run(_bytes, params, context) {
    yield* counting(params, context);
  },
});

export const countLater = defineOp(url, 'countLater', {
  generates: true,
  async *run(_bytes, params, context) {
    for (const output of counting(params, context)) {
      await turn();
      yield output;
    }
  },
});

/** So many outputs, then something else. Words as for `count`. */
export const after = defineOp(url, 'after', {
  generates: true,
  async *run(_bytes, { words, outputs, what }, { buffers }) {
    const begun = Atomics.add(words, 0, 1);
    try {
      for (let n = 1; n <= outputs; n++) yield what.endsWith('slices') ? buffers.acquire(n) : n;
      switch (what) {
        case 'fail':
          throw Object.assign(new RangeError('ground to a halt'), { code: 'EGRIST' });
        case 'yield what cannot be cloned':
          yield () => {};
          break;
        case 'wait for ever':
          Atomics.add(words, 0, 1);
          await new Promise(() => {});
          break;
        case 'loop for ever':
          Atomics.add(words, 0, 1);
          for (;;) Atomics.load(words, 0);
        case 'exit once':
          if (begun === 0) process.exit(1);
          break;
        default:
          process.exit(1);
      }
    } finally {
      Atomics.add(words, 1, 1);
    }
  },
});

export const noGenerator = defineOp(url, 'noGenerator', { generates: true, run: () => 7 });
