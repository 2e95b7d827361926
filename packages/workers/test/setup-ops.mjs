/** Ops with a setup. Workers import this file as it is; its types stand beside it. */
import { defineOp } from '@millrace/workers';

const url = import.meta.url;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Counts its setups and teardowns in words 0 and 1 of `counts`, and its runs in word 2. */
export const prepared = defineOp(url, 'prepared', {
  split: { size: 1024 },
  async setup({ counts }) {
    await turn();
    Atomics.add(counts, 0, 1);
    return { factor: 3 };
  },
  run(bytes, { counts }, { state }) {
    Atomics.add(counts, 2, 1);
    return bytes.length * state.factor;
  },
  merge: (left, right) => left + right,
  async teardown({ factor }, { counts }) {
    await turn();
    Atomics.add(counts, 1, factor === 3 ? 1 : 1000);
  },
});

let tables = 0;
/** The number of its table on this thread, and what the table says of the first byte. */
export const lookUp = defineOp(url, 'lookUp', {
  setup: ({ entries }) => ({ table: new Map(entries), number: ++tables }),
  run: (bytes, _params, { state }) => ({
    number: state.number,
    found: state.table.get(bytes[0]),
  }),
});

export const sizeOf = defineOp(url, 'sizeOf', {
  setup: ({ blob }) => blob.size,
  run: (_bytes, _params, { state }) => state,
});

export const doubleBySetup = defineOp(url, 'doubleBySetup', {
  outputBound: (bytes) => 2 * bytes,
  setup: () => 2,
  run(bytes, _params, { state, output }) {
    bytes.forEach((byte, i) => output.fill(byte, state * i, state * (i + 1)));
    return state * bytes.length;
  },
});

let attempts = 0;
/** Its setup fails the first `failures` times; gives the number of the attempt. */
export const hesitant = defineOp(url, 'hesitant', {
  setup({ failures, later }) {
    if (++attempts > failures) return attempts;
    const error = new RangeError(`not yet, attempt ${attempts}`);
    if (later) return turn().then(() => Promise.reject(error));
    throw error;
  },
  run: (_bytes, _params, { state }) => state,
});

let words;
/** Has this thread count the teardowns of `remembered`. */
export const remember = defineOp(url, 'remember', {
  run(_bytes, { counts }) {
    words = counts;
  },
});

export const remembered = defineOp(url, 'remembered', {
  setup: ({ of }) => of,
  run: (_bytes, _params, { state }) => state,
  async teardown(state) {
    await turn();
    Atomics.add(words, 1, state === 'the setup' ? 1 : 1000);
  },
});

const warned = [];
process.on('warning', ({ message }) => warned.push(message));
/** What this thread has been warned of. */
export const warnings = defineOp(url, 'warnings', { run: () => warned });

/** Its teardown fails, at once or later. */
export const untidy = defineOp(url, 'untidy', {
  setup: () => 1,
  run: (_bytes, _params, { state }) => state,
  teardown(_state, { counts, later }) {
    Atomics.add(counts, 1, 1);
    if (later) return turn().then(() => Promise.reject(new Error('left undone')));
    throw new Error('left undone');
  },
});

/** Every params object that this thread was given. */
const seen = new Set();
export const paramsSeen = defineOp(url, 'paramsSeen', {
  split: { size: 64 },
  run(_bytes, params) {
    seen.add(params);
    return seen.size;
  },
  merge: (left, right) => Math.max(left, right),
});
