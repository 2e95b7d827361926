/** Ops that say how to cut their input. Workers import this file as it is; its types stand beside it. */
import { defineOp } from '@millrace/workers';

const url = import.meta.url;
const KiB = 1024;

/** For each chunk of 10 bytes its lead of up to 4, `|`, itself, and `.` or `!`; joined with how many bytes it was. */
export const trail = defineOp(url, 'trail', {
  split: { size: 10, overlap: 4 },
  run: (bytes, _params, { lead, last }) =>
    `${Buffer.from(lead)}|${Buffer.from(bytes)}${last ? '!' : '.'}`,
  merge: (left, right, params, rightBytes) => `${left}${params?.sign ?? '+'}${right}${rightBytes}`,
});

export const trailLater = defineOp(url, 'trailLater', {
  split: { size: 10, overlap: 4 },
  async run(bytes, _params, { lead, last }) {
    // Later chunks are ready first.
    for (let turns = 100 - bytes[0]; turns > 0; turns -= 10) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return `${Buffer.from(lead)}|${Buffer.from(bytes)}${last ? '!' : '.'}`;
  },
  merge: (left, right, params, rightBytes) => `${left}${params?.sign ?? '+'}${right}${rightBytes}`,
});

/** The same as bytes. */
export const trailBytes = defineOp(url, 'trailBytes', {
  split: { size: 10, overlap: 4 },
  outputBound: (bytes) => bytes + 6,
  run(bytes, _params, { lead, last, output }) {
    return Buffer.from(output.buffer, output.byteOffset, output.length).write(
      `${Buffer.from(lead)}|${Buffer.from(bytes)}${last ? '!' : '.'}`,
    );
  },
});

export const add = defineOp(url, 'add', {
  inPlace: true,
  split: { size: 4 * KiB },
  run(bytes, { amount }) {
    for (let i = 0; i < bytes.length; i++) bytes[i] += amount;
  },
});

/** Returns nothing. */
export const nothing = defineOp(url, 'nothing', {
  split: { size: 10 },
  run: () => undefined,
  merge: (left, right) => (left === undefined && right === undefined ? undefined : 'something'),
});

/** Waits until another chunk is at work too, on another thread. Word 0 counts them. */
function meet({ words }) {
  if (Atomics.add(words, 0, 1) === 0) Atomics.wait(words, 0, 1);
  else Atomics.notify(words, 0);
}

export const meetInPlace = defineOp(url, 'meetInPlace', {
  inPlace: true,
  split: { size: 4 * KiB },
  run(bytes, params) {
    meet(params);
    bytes.fill(1);
  },
});

export const meetForValue = defineOp(url, 'meetForValue', {
  split: { size: 4 * KiB },
  run(bytes, params) {
    meet(params);
    return bytes.length;
  },
  merge: (left, right) => left + right,
});

/** What happens in the chunk that begins with the byte `at`; word 0 counts how often. */
function happen(bytes, { at, what, words }) {
  if (bytes[0] !== at) return;
  if (Atomics.add(words, 0, 1) > 0 && what === 'exit once') return;
  if (what === 'throw') throw new RangeError(`met ${at}`);
  process.exit(1);
}

export const happenInPlace = defineOp(url, 'happenInPlace', {
  inPlace: true,
  split: { size: 10 },
  run: happen,
});

export const happenForValue = defineOp(url, 'happenForValue', {
  split: { size: 10 },
  run(bytes, params) {
    happen(bytes, params);
    return bytes.length;
  },
  merge: (left, right) => left + right,
});

export const badMerge = defineOp(url, 'badMerge', {
  split: { size: 10 },
  run: () => 1,
  merge() {
    throw new RangeError('cannot be joined');
  },
});

export const badFrame = defineOp(url, 'badFrame', {
  split: { size: 10 },
  outputBound: () => 1,
  run: () => 1,
  merge: {
    start: () => 0,
    head: () => new Uint8Array(0),
    join() {
      throw new RangeError('cannot be joined');
    },
    tail: () => new Uint8Array(0),
  },
});

/** Its chunks are larger than a slice. */
export const gross = defineOp(url, 'gross', {
  split: { size: 2 ** 40, overlap: 7 },
  run: () => 1,
  merge: (left) => left,
});

/** Its bound is what its params say. */
export const bound = defineOp(url, 'bound', {
  outputBound(_bytes, { bound: result }) {
    if (result === 'throw') throw new RangeError('bound for nowhere');
    return result;
  },
  run: () => 0,
});

export const boundInChunks = defineOp(url, 'boundInChunks', {
  split: { size: 10 },
  outputBound: (_bytes, params) => params.bound,
  run: () => 0,
});
