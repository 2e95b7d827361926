/** Ops for the tests. Workers import this file as it is, so it is plain JavaScript; its types stand beside it. */
import { defineOp } from '@millrace/workers';

const url = import.meta.url;
const KiB = 1024;

/** Waits until the gate is open, and blocks the thread meanwhile. See gate.ts. */
function wait({ gate }) {
  Atomics.add(gate, 1, 1);
  Atomics.wait(gate, 0, 0);
}

// Ops that return a value.

export const sum = defineOp(url, 'sum', {
  run: (bytes) => bytes.reduce((total, byte) => total + byte, 0),
});

export const give = defineOp(url, 'give', { run: (_bytes, params) => params });

export const nothing = defineOp(url, 'nothing', { run: () => undefined });

/** A copy of the first bytes. */
export const head = defineOp(url, 'head', { run: (bytes, { count }) => bytes.slice(0, count) });

/** The first bytes themselves: a view onto shared memory. */
export const view = defineOp(url, 'view', { run: (bytes, { count }) => bytes.subarray(0, count) });

export const describe = defineOp(url, 'describe', {
  run: (bytes, params, { output, lead, last }) => ({
    length: bytes.length,
    shared: bytes.buffer instanceof SharedArrayBuffer,
    params,
    output: output.length,
    lead: lead.length,
    last,
  }),
});

/** Its params and the first byte. */
export const echo = defineOp(url, 'echo', {
  run: (bytes, params) => ({ params, first: bytes[0] }),
});

export const hold = defineOp(url, 'hold', {
  run(bytes, params) {
    wait(params);
    return bytes[0];
  },
});

/** Like `hold`, but leaves the thread to others meanwhile. */
export const holdAsync = defineOp(url, 'holdAsync', {
  async run(bytes, { gate }) {
    Atomics.add(gate, 1, 1);
    while (Atomics.load(gate, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    return bytes[0];
  },
});

/**
 * Has the thread to itself until the gate `meet` opens, leaves it to others until `doze` does, and has it to itself again
 * until `gate` does.
 */
export const holdAgain = defineOp(url, 'holdAgain', {
  async run(bytes, { meet, doze, gate }) {
    Atomics.add(meet, 1, 1);
    Atomics.wait(meet, 0, 0);
    while (Atomics.load(doze, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    Atomics.add(gate, 1, 1);
    Atomics.wait(gate, 0, 0);
    return bytes[0];
  },
});

/** Ends a turn or more of the event loop later. */
export const later = defineOp(url, 'later', {
  async run(bytes, params) {
    for (let turn = 0; turn < (params?.turns ?? 1); turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return bytes[0];
  },
});

// Ops that change bytes in place.

export const invert = defineOp(url, 'invert', {
  inPlace: true,
  run(bytes) {
    for (let i = 0; i < bytes.length; i++) bytes[i] ^= 255;
  },
});

export const invertLater = defineOp(url, 'invertLater', {
  inPlace: true,
  async run(bytes) {
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < bytes.length; i++) bytes[i] ^= 255;
  },
});

export const holdInPlace = defineOp(url, 'holdInPlace', {
  inPlace: true,
  run: (_bytes, params) => wait(params),
});

/** In chunks of 64 KiB; waits at a gate, if there is one, before each, or before those that begin with `first`. */
export const invertChunks = defineOp(url, 'invertChunks', {
  inPlace: true,
  split: { size: 64 * KiB },
  run(bytes, params) {
    if (params?.gate && (params.first ?? bytes[0]) === bytes[0]) wait(params);
    for (let i = 0; i < bytes.length; i++) bytes[i] ^= 255;
  },
});

export const invertChunksLater = defineOp(url, 'invertChunksLater', {
  inPlace: true,
  split: { size: 64 * KiB },
  async run(bytes) {
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < bytes.length; i++) bytes[i] ^= 255;
  },
});

// Ops that write an output.

/** Each byte twice. */
export const double = defineOp(url, 'double', {
  outputBound: (bytes) => 2 * bytes,
  run(bytes, _params, { output }) {
    bytes.forEach((byte, i) => output.fill(byte, 2 * i, 2 * i + 2));
    return 2 * bytes.length;
  },
});

export const doubleLater = defineOp(url, 'doubleLater', {
  outputBound: (bytes) => 2 * bytes,
  async run(bytes, _params, { output }) {
    await new Promise((resolve) => setImmediate(resolve));
    bytes.forEach((byte, i) => output.fill(byte, 2 * i, 2 * i + 2));
    return { size: 2 * bytes.length, value: 0 };
  },
});

/** Returns whatever its params say, as if that were how many bytes it wrote. */
export const claim = defineOp(url, 'claim', {
  outputBound: () => 10,
  run: (_bytes, { written }) => written,
});

/** What goes in comes out, in chunks of 64 KiB; waits at a gate before each, if there is one. */
export const copy = defineOp(url, 'copy', {
  outputBound: (bytes) => bytes,
  split: { size: 64 * KiB },
  run(bytes, params, { output }) {
    if (params?.gate) wait(params);
    output.set(bytes);
    return bytes.length;
  },
});

/** Like `copy`, but the gate's first word says how many chunks it lets through. */
export const copySome = defineOp(url, 'copySome', {
  outputBound: (bytes) => bytes,
  split: { size: 64 * KiB },
  run(bytes, { gate }, { output }) {
    const before = Atomics.add(gate, 1, 1);
    let open;
    while ((open = Atomics.load(gate, 0)) <= before) Atomics.wait(gate, 0, open);
    output.set(bytes);
    return bytes.length;
  },
});

/** One chunk takes one slot of 64 KiB and one of 128 KiB. */
export const uneven = defineOp(url, 'uneven', {
  outputBound: (bytes) => 2 * bytes,
  split: { size: 64 * KiB },
  run(bytes, _params, { output }) {
    output.set(bytes);
    return bytes.length;
  },
});

/** For each chunk of 10 bytes: its lead of up to 4 bytes, `|`, itself, and `.` or `!` for the last. Counts chunks. */
export const framed = defineOp(url, 'framed', {
  outputBound: (bytes) => bytes + 4 + 2,
  split: { size: 10, overlap: 4 },
  merge: {
    start: () => [],
    head: (params) => Buffer.from(params?.head ?? ''),
    join: (lengths, value, length) => [...lengths, `${value}/${length}`],
    tail: (lengths) => Buffer.from(`#${lengths.join(',')}`),
  },
  run(bytes, _params, { output, lead, last }) {
    const whole = Buffer.concat([lead, Buffer.from('|'), bytes, Buffer.from(last ? '!' : '.')]);
    output.set(whole);
    return { size: whole.length, value: bytes[0] ?? -1 };
  },
});

/** For each chunk of 1000 bytes: its lead of up to 300 bytes, and itself. */
export const joined = defineOp(url, 'joined', {
  outputBound: (bytes) => bytes + 300,
  split: { size: 1000, overlap: 300 },
  run: join,
});

/** For each chunk of 5000 bytes: its lead of up to 4103 bytes, and itself. */
export const joinedWide = defineOp(url, 'joinedWide', {
  outputBound: (bytes) => bytes + 4103,
  split: { size: 5000, overlap: 4103 },
  run: join,
});

function join(bytes, _params, { output, lead }) {
  output.set(lead);
  output.set(bytes, lead.length);
  return lead.length + bytes.length;
}

// Ops that fail.

export const fail = defineOp(url, 'fail', {
  run(_bytes, { how }) {
    throw thrown(how);
  },
});

export const failLater = defineOp(url, 'failLater', {
  async run(_bytes, { how }) {
    await new Promise((resolve) => setImmediate(resolve));
    throw thrown(how);
  },
});

export const failInPlace = defineOp(url, 'failInPlace', {
  inPlace: true,
  run(_bytes, { how }) {
    throw thrown(how);
  },
});

/** Fails in the chunk that begins with the given byte. */
export const failAt = defineOp(url, 'failAt', {
  outputBound: (bytes) => bytes,
  split: { size: 64 * KiB },
  run(bytes, { byte }, { output }) {
    if (bytes[0] === byte) throw new RangeError(`met ${byte}`);
    output.set(bytes);
    return bytes.length;
  },
});

export const uncloneable = defineOp(url, 'uncloneable', { run: () => () => {} });

function thrown(how) {
  switch (how) {
    case 'error':
      return new RangeError('out of reach');
    case 'coded':
      return Object.assign(new Error('no such thing'), { code: 'ENOENT' });
    case 'string':
      return 'just words';
    case 'undefined':
      return undefined;
    case 'uncloneable cause':
      return new Error('with a function', { cause: () => {} });
    case 'uncloneable code':
      return { code: () => {} };
    case 'symbol':
      return Symbol('mark');
    default:
      return Object.create(null);
  }
}

// Ops that end their thread. The gate's second word counts how often they have begun.

/** Calls process.exit the first `times` times, and returns the first byte after that. */
export const exit = defineOp(url, 'exit', {
  run(bytes, { gate, times, code }) {
    if (Atomics.add(gate, 1, 1) < times) process.exit(code);
    return bytes[0];
  },
});

/** Comes to the gate when its thread exits. */
export const countExit = defineOp(url, 'countExit', {
  run(_bytes, { gate }) {
    process.once('exit', () => Atomics.add(gate, 1, 1));
  },
});

/** Like `copy`, but calls process.exit the first `times` times. */
export const exitChunk = defineOp(url, 'exitChunk', {
  outputBound: (bytes) => bytes,
  split: { size: 64 * KiB },
  run(bytes, { gate, times }, { output }) {
    if (Atomics.add(gate, 1, 1) < times) process.exit(3);
    output.set(bytes);
    return bytes.length;
  },
});

/** Like `invertChunks`, but calls process.exit the first `times` times, when a part is done. */
export const exitInPlaceChunk = defineOp(url, 'exitInPlaceChunk', {
  inPlace: true,
  split: { size: 64 * KiB },
  run(bytes, { gate, times }) {
    for (let i = 0; i < bytes.length; i++) {
      if (i === 1000 && Atomics.add(gate, 1, 1) < times) process.exit(3);
      bytes[i] ^= 255;
    }
  },
});

/** Throws from a timer, or leaves a rejection unhandled, and never returns. */
export const stray = defineOp(url, 'stray', {
  run(_bytes, { gate, how }) {
    Atomics.add(gate, 1, 1);
    if (how === 'timer') {
      setTimeout(() => {
        throw new Error('thrown from a timer');
      });
    } else {
      void Promise.reject(new Error('rejected, unhandled'));
    }
    return new Promise(() => {});
  },
});
