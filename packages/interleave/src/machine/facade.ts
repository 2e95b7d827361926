/**
 * The façade: what stands in for the functions of `Atomics` during an exploration.
 *
 * On instrumented words they go to the runner, on all other arrays to the real ones. The functions of
 * the global object are replaced rather than the object, so that code which keeps `Atomics` under
 * another name is seen too. Code that keeps the functions themselves fails: they refuse our words.
 */
import { installClock, uninstallClock } from './clock.js';
import {
  ADD,
  AND,
  COMPARE_EXCHANGE,
  ENQUEUED,
  EXCHANGE,
  FOREVER,
  FOR_A_WHILE,
  LOAD,
  NOTIFY,
  NOT_AT_ALL,
  NOT_EQUAL,
  OK,
  OR,
  STORE,
  SUB,
  WAIT,
  WAKE,
  XOR,
} from './operations.js';
import { shownBy } from './words.js';
import type { Runner } from './runner.js';

type Operation = (this: void, array: Int32Array, index: number, a?: number, b?: number) => unknown;
type Functions = Record<string, Operation>;

/** The functions as they were found, and who runs now. */
let real: Functions = {};
let runner: Runner | undefined;
/** The instrumented words themselves; the views of parts of them are looked up. */
let root: Int32Array | undefined;
let length = 0;

/** The index in the root's words, or −1 when the array is none of ours. */
function placeOf(array: Int32Array, index: number): number {
  if (array === root)
    return index >>> 0 === index && index < length ? index : coerced(index, length);
  const view = runner && shownBy(array);
  if (!view) return -1;
  return view.offset + coerced(index, view.length);
}

/** What `Atomics` makes of an index. */
function coerced(index: unknown, below: number): number {
  const integer = Math.trunc(Number(index)) || 0;
  if (integer >= 0 && integer < below) return integer;
  throw new RangeError(`Cannot access word ${String(index)} of ${below}`);
}

/** What `Atomics` makes of a value; throws a TypeError for bigints and symbols, as it does. */
function int32(value: unknown): number {
  return typeof value === 'number' ? value | 0 : +(value as number) | 0;
}

function modifier(kind: number, name: string): Operation {
  return (array, index, a) => {
    const at = placeOf(array, index);
    if (at < 0) return real[name]!(array, index, a);
    return runner!.access(kind, at, int32(a), 0);
  };
}

const facade: Functions = {
  load(array, index) {
    const at = placeOf(array, index);
    if (at < 0) return real['load']!(array, index);
    return runner!.access(LOAD, at, 0, 0);
  },
  store(array, index, a) {
    const at = placeOf(array, index);
    if (at < 0) return real['store']!(array, index, a);
    const integer = Math.trunc(+(a as number)) || 0;
    runner!.access(STORE, at, integer | 0, 0);
    return integer;
  },
  add: modifier(ADD, 'add'),
  sub: modifier(SUB, 'sub'),
  and: modifier(AND, 'and'),
  or: modifier(OR, 'or'),
  xor: modifier(XOR, 'xor'),
  exchange: modifier(EXCHANGE, 'exchange'),
  compareExchange(array, index, a, b) {
    const at = placeOf(array, index);
    if (at < 0) return real['compareExchange']!(array, index, a, b);
    return runner!.access(COMPARE_EXCHANGE, at, int32(a), int32(b));
  },
  wait(array, index, a, timeout) {
    const at = placeOf(array, index);
    if (at < 0) return real['wait']!(array, index, a, timeout);
    const ms = timeout === undefined ? NaN : +timeout;
    const patience =
      Number.isNaN(ms) || ms === Infinity ? FOREVER : ms > 0 ? FOR_A_WHILE : NOT_AT_ALL;
    let result = runner!.access(WAIT, at, int32(a), patience);
    if (result === NOT_EQUAL) return 'not-equal';
    if (result === ENQUEUED) result = runner!.access(WAKE, at, 0, 0);
    if (result === OK) return 'ok';
    if (patience === FOR_A_WHILE) runner!.clockMs += ms;
    return 'timed-out';
  },
  notify(array, index, count) {
    const at = placeOf(array, index);
    if (at < 0) return real['notify']!(array, index, count);
    const most = count === undefined ? Infinity : Math.max(Math.trunc(+count) || 0, 0);
    return runner!.access(NOTIFY, at, Math.min(most, 2 ** 30), 0);
  },
  waitAsync(array, index, a, timeout) {
    if (placeOf(array, index) < 0) return real['waitAsync']!(array, index, a, timeout);
    throw new TypeError('Cannot explore Atomics.waitAsync, as threads are synchronous here');
  },
};

/** Puts the façade in place. */
export function install(of: Runner, words: Int32Array): void {
  const atomics = Atomics as unknown as Functions;
  if (runner) throw new Error('Cannot explore within an exploration');
  runner = of;
  root = words;
  length = of.state.words.length;
  installClock(of);
  real = {};
  for (const [name, operation] of Object.entries(facade)) {
    const found = atomics[name];
    // Some engines lack waitAsync; where it is absent it stays so.
    if (found === undefined) continue;
    real[name] = found;
    atomics[name] = operation;
  }
}

/** Puts the real functions back. */
export function uninstall(): void {
  Object.assign(Atomics, real);
  uninstallClock();
  runner = undefined;
  root = undefined;
}
