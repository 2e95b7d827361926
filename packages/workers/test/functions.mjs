/** Functions for the tests of `mill.call`. Workers import this file as it is; its types stand beside it. */
import { currentThread, defineFunction, defineOp, Slice } from '@millrace/workers';

const url = import.meta.url;

export const twice = defineOp(url, 'twice', { run: (bytes) => 2 * bytes.length });

export function add(a, b) {
  return a + b;
}

export const defined = defineFunction(url, 'defined', (text) => String(text) + '!');

export const give = (...args) => args;

export const same = (value) => value;

export function nothing() {}

export async function later(value, turns = 1) {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  return value;
}

class Thenable {
  constructor(value) {
    this.value = value;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- That is what it is about.
  then(resolve) {
    resolve(this.value);
  }
}

/** A promise that is not one of the language's own. */
export const thenable = (value) => new Thenable(value);

export const zeros = (bytes) => new Uint8Array(bytes);

export const text = (length) => 'ä'.repeat(length);

export const kindOf = (value) => Object.prototype.toString.call(value) + typeof value;

export const notCloneable = () => ({ inner: () => {} });

// Slices.

/** Where the slice lies and what it begins with; then writes into it. */
export function mark({ held: [slice] }, byte) {
  const { bytes, ref } = slice;
  const first = bytes[0];
  bytes[0] = byte;
  return { ref, first, length: bytes.length, offset: bytes.byteOffset };
}

export async function markLater(slice, byte) {
  await later();
  slice.bytes[0] = byte;
}

export const areSame = (a, b) => a === b && a instanceof Slice;

export function refusals(slice) {
  const codes = ['release', 'handOver', 'share'].map((method) => codeOf(() => slice[method]()));
  codes.push(codeOf(() => slice.resize(10)));
  return { codes, live: slice.live, byte: slice.bytes[0] };
}

function codeOf(act) {
  try {
    act();
    return 'none';
  } catch (error) {
    return error.code;
  }
}

let kept;
export function keep(slice) {
  kept = slice;
}
export const useKept = () => ({ live: kept.live, code: codeOf(() => kept.bytes) });
export const giveKept = () => kept;

/** Slices that are acquired here, filled with their number. */
export function fresh(sizes) {
  return new Map(
    sizes.map((size, i) => {
      const slice = currentThread().buffers.acquire(size);
      slice.bytes.fill(i);
      return [i, { slice, ref: slice.ref }];
    }),
  );
}

export function freshAndFailing(size, how) {
  const slice = currentThread().buffers.acquire(size);
  if (how === 'function') return [slice, () => {}];
  if (how === 'released') slice.release();
  if (how === 'shared') slice.share();
  if (how === 'foreign') return [slice, kept];
  return [slice];
}

/** Comes to the gate with slices of its own, in one of the ways in which it can be there. */
export function hold(gate, slice, how) {
  const own = currentThread().buffers.acquire(1000);
  own.bytes[0] = slice.bytes[0];
  Atomics.add(gate, 1, 1);
  if (how === 'exit') process.exit(3);
  if (how === 'throw from a timer') {
    setTimeout(() => {
      throw new Error('thrown from a timer');
    });
  }
  if (how === 'blocked') Atomics.wait(gate, 0, 0);
  if (how === 'loop') while (Atomics.load(gate, 0) === 0);
  if (how === 'asleep' || how === 'throw from a timer') return opened(gate).then(() => own);
  return own;
}

async function opened(gate) {
  while (Atomics.load(gate, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Ends its thread the first `times` times. */
export function exits(gate, times) {
  if (Atomics.add(gate, 1, 1) < times) process.exit(3);
  return 'survived';
}

export function isOnMill() {
  return currentThread().buffers.stats().memoryBytes;
}

// Errors.

class OddError extends RangeError {
  name = 'OddError';
  code = 'E_ODD';
  detail = { at: 7 };
  helper = () => {};
}

export function fails(how) {
  if (how === 'odd') throw new OddError('odd', { cause: new TypeError('deeper') });
  if (how === 'range') throw new RangeError('out of reach');
  throw how;
}

export async function failsLater(how) {
  await later();
  fails(how);
}

export const notAFunction = 7;
