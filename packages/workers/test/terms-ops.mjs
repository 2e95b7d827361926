/** Ops for tests of the terms on which tasks run: in what order, for how long, how often. See gate.ts for `gate`. */
import { threadId } from 'node:worker_threads';
import { defineOp } from '@millrace/workers';

const url = import.meta.url;

const arrive = ({ gate }) => Atomics.add(gate, 1, 1);

/** Goes on until it is told to end; 0, for ops that say how many bytes they wrote. */
function goOn(params, context) {
  arrive(params);
  while (!context.cancelled);
  return 0;
}

/** Enters `number` as the next word of `log`, whose first word counts the entries. Returns which entry it is. */
function enter(log, number) {
  const entry = Atomics.add(log, 0, 1);
  Atomics.store(log, 1 + entry, number);
  return entry;
}

export const note = defineOp(url, 'note', {
  run(_bytes, { log, number }) {
    enter(log, number);
  },
});

/** In chunks. */
export const noteChunks = defineOp(url, 'noteChunks', {
  outputBound: (bytes) => bytes,
  split: { size: 1024 },
  run(bytes, { log, number }, { output }) {
    enter(log, number);
    output.set(bytes);
    return bytes.length;
  },
});

// Ops that go on until they are told to end.

export const checks = defineOp(url, 'checks', {
  run(_bytes, params, context) {
    goOn(params, context);
    Atomics.add(params.gate, 2, 1);
  },
});

export const checksSignal = defineOp(url, 'checksSignal', {
  run(_bytes, params, { signal }) {
    arrive(params);
    while (!signal.aborted);
    Atomics.add(params.gate, 2, 1);
  },
});

export const throwsWhenTold = defineOp(url, 'throwsWhenTold', {
  run(_bytes, params, { signal }) {
    arrive(params);
    for (;;) signal.throwIfAborted();
  },
});

export const listens = defineOp(url, 'listens', {
  async run(_bytes, params, { signal }) {
    arrive(params);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    Atomics.add(params.gate, 2, 1);
  },
});

/** Changes bytes in place until it is told to end. */
export const checksInPlace = defineOp(url, 'checksInPlace', {
  inPlace: true,
  run(bytes, params, context) {
    arrive(params);
    while (!context.cancelled) bytes[0]++;
  },
});

// The same, in chunks.

const split = { size: 64 * 1024 };

export const checksChunks = defineOp(url, 'checksChunks', {
  outputBound: (bytes) => bytes,
  split,
  run: (_bytes, params, context) => goOn(params, context),
});

export const checksRanges = defineOp(url, 'checksRanges', {
  inPlace: true,
  split,
  run: (_bytes, params, context) => goOn(params, context),
});

export const checksParts = defineOp(url, 'checksParts', {
  split,
  merge: (sum, value) => sum + value,
  run: (_bytes, params, context) => goOn(params, context),
});

/** Gives nothing. */
export const checksAhead = defineOp(url, 'checksAhead', {
  generates: true,
  *run(_bytes, params, context) {
    arrive(params);
    while (!context.cancelled) if (params.never) yield 0;
  },
});

// Ops that do not listen.

export const deaf = defineOp(url, 'deaf', {
  run(_bytes, params) {
    arrive(params);
    for (;;);
  },
});

export const deafAsync = defineOp(url, 'deafAsync', {
  run(_bytes, params) {
    arrive(params);
    return new Promise(() => {});
  },
});

// Ops that fail.

/** Fails the first `times` times; enters its thread in `log` each time. Returns which time it was. */
export const failsFirst = defineOp(url, 'failsFirst', {
  run(_bytes, { log, times }) {
    const entry = enter(log, threadId);
    if (entry < times) throw new RangeError(`failure ${entry}`);
    return entry;
  },
});

export const failsFirstInPlace = defineOp(url, 'failsFirstInPlace', {
  inPlace: true,
  run(_bytes, { log }) {
    enter(log, threadId);
    throw new RangeError('failure in place');
  },
});

/** Enters when it ran, in ms of the machine's clock since `since`. */
export const failsAt = defineOp(url, 'failsAt', {
  run(_bytes, { log, since }) {
    enter(log, Date.now() - since);
    throw new RangeError('failure');
  },
});

// Ops whose results do not fit a cell.

class Point {
  x = 1;
  #secret = 2;
  get secret() {
    return this.#secret;
  }
}

const made = {
  map: () => new Map([['a', { deep: [1, 2] }]]),
  set: () => new Set([1, 'two', 3n]),
  date: () => new Date(86_400_000),
  regexp: () => /mill(race)?/giu,
  bigint: () => 2n ** 100n,
  floats: () => Float64Array.of(1.5, -0, NaN),
  bytes: () => new Uint8Array(1000).fill(7),
  buffer: () => Uint8Array.of(1, 2, 3).buffer,
  text: () => 'ü'.repeat(1000),
  cycle() {
    const cycle = { name: 'round' };
    cycle.self = cycle;
    return cycle;
  },
  error: () =>
    Object.assign(new TypeError('made, not thrown', { cause: new Error('deeper') }), {
      code: 'E_MADE',
    }),
  instance: () => new Point(),
  null: () => null,
  boolean: () => false,

  shared() {
    const shared = new SharedArrayBuffer(8);
    new Int32Array(shared).fill(5);
    return shared;
  },
  sharedView: () => new Int32Array(new SharedArrayBuffer(8)).fill(5),
  function: () => () => {},
  symbol: () => Symbol('mark'),
  promiseInside: () => ({ promise: Promise.resolve(1) }),
};

export const makes = defineOp(url, 'makes', { run: (_bytes, { what }) => made[what]() });

export const makesLater = defineOp(url, 'makesLater', {
  async run(_bytes, { what }) {
    await new Promise((resolve) => setImmediate(resolve));
    return made[what]();
  },
});

export const throwsWith = defineOp(url, 'throwsWith', {
  run() {
    throw Object.assign(new RangeError('thrown', { cause: new TypeError('the reason') }), {
      code: 'E_THROWN',
    });
  },
});
