/** Objects for the tests of `mill.remote`. Workers import this file as it is; its types stand beside it. */
import { threadId } from 'node:worker_threads';
import { currentThread, proxy, Slice } from '@millrace/workers';

export class Counter {
  #count;
  start;
  gate;

  constructor(start = 0, gate) {
    if (start === 'fail') throw new RangeError('no such start', { cause: 'the test' });
    if (start === 'exit') process.exit(3);
    this.#count = start;
    this.start = start;
    this.gate = gate;
  }

  add(n = 1) {
    return (this.#count += n);
  }

  async addLater(n) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return this.add(n);
  }

  get count() {
    return this.#count;
  }

  where() {
    return threadId;
  }

  never() {
    if (this.gate) Atomics.add(this.gate, 1, 1);
    return new Promise(() => {});
  }

  block() {
    Atomics.add(this.gate, 1, 1);
    Atomics.wait(this.gate, 0, 0);
    return 'open';
  }

  exit() {
    process.exit(3);
  }

  fail(how) {
    if (how === 'odd') {
      throw Object.assign(new TypeError('odd', { cause: new Error('deeper') }), {
        code: 'E_ODD',
        detail: [7],
        helper: () => {},
      });
    }
    throw how;
  }

  give(...values) {
    return values;
  }

  notCloneable() {
    return [currentThread().buffers.acquire(10), () => {}];
  }

  mark(slice, byte) {
    const [first] = slice.bytes;
    slice.bytes[0] = byte;
    return { first, offset: slice.bytes.byteOffset, isSlice: slice instanceof Slice };
  }

  keep(slice) {
    this.kept = slice;
  }

  useKept() {
    return this.kept.bytes.length;
  }

  fresh(size, byte) {
    const slice = currentThread().buffers.acquire(size);
    slice.bytes.fill(byte);
    return { slice, offset: slice.bytes.byteOffset };
  }

  /** Calls back with each number, and with a slice of its own. */
  async each(numbers, callback) {
    const results = [];
    for (const number of numbers) results.push(await callback(number));
    return results;
  }

  async lendTo(callback, byte) {
    const slice = currentThread().buffers.acquire(100);
    slice.bytes[0] = byte;
    const answer = await callback(slice);
    const after = slice.bytes[0];
    slice.release();
    return { answer, after };
  }

  /** Passes on what it has borrowed. */
  async passOn(slice, callback) {
    const answer = await callback({ inner: [slice] });
    return { isSame: answer === slice, byte: slice.bytes[0] };
  }

  child(start) {
    return proxy(new Counter(start, this.gate));
  }

  [Symbol.dispose]() {
    if (this.gate) Atomics.add(this.gate, 1, 1000);
  }
}

export class Slow {
  constructor(gate) {
    this.gate = gate;
  }

  async [Symbol.asyncDispose]() {
    await new Promise((resolve) => setTimeout(resolve, 1));
    Atomics.add(this.gate, 1, 1);
  }
}

export const shared = {
  name: 'shared',
  calls: 0,
  call() {
    return ++this.calls;
  },
  [Symbol.dispose]() {
    throw new Error('It is not ours to dispose of');
  },
};

/** Functions that make objects. */
export function makeCounter(start) {
  return new Counter(start);
}
export const makeLater = async (start) => new Counter(start);
export const makeNothing = () => undefined;
export const number = 7;
