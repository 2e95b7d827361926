/**
 * Steps: what each operation does to the state, in sequentially consistent order.
 *
 * `Atomics.wait` is two steps. WAIT compares and joins the word's queue; WAKE goes on after a notify or,
 * as another actor, after a timeout. Queues are first in, first out, as ECMAScript demands.
 */
import { DIE, TIME_OUT, actorOf } from './actors.js';
import {
  COMPARE_EXCHANGE,
  END,
  ENQUEUED,
  FOR_A_WHILE,
  NOTIFY,
  NOT_AT_ALL,
  NOT_EQUAL,
  OK,
  READ,
  START,
  STORE,
  TIMED_OUT,
  WAIT,
  WAKE,
  WRITE,
  applied,
  hasWord,
  headOf,
  indexOf,
  isPlain,
  kindOf,
  writes,
} from './operations.js';
import { SLOT } from './record.js';
import type { State } from './state.js';
import { BARRIER, NONE, READS, WRITES } from './trace.js';

/** Performs the pending operation of `process`, or lets its wait time out, and puts the result into its record. */
export function step(state: State, process: number, way: number): number {
  const slot = state.slots[process]!;
  const record = state.records[process]!.words;
  const head = record[slot]!;
  const kind = kindOf(head);
  const index = indexOf(head);
  const a = record[slot + 1]!;
  const b = record[slot + 2]!;
  const d = state.begin(process, actorOf(way, process), head);
  state.current = process;
  state.spinning &= ~(1 << process);

  let result = 0;
  if (kind <= COMPARE_EXCHANGE || isPlain(kind)) {
    result = state.words[index]!;
    const writing = writes(kind, result, a);
    state.place(d, index, writing ? WRITES : READS);
    if (isPlain(kind)) plainStep(state, d, process, index, writing);
    else atomicStep(state, d, process, kind, index, writing);
    if (writing) write(state, d, process, index, applied(kind, result, a, b));
    else if (kind === READ && state.settings.readsOldest && state.settings.allowsRaces(index)) {
      result = state.races.oldest(index, d, result);
    }
  } else if (kind === WAIT) result = wait(state, d, process, index, a, b);
  else if (kind === WAKE) result = wake(state, d, process, index, way);
  else if (kind === NOTIFY) result = notify(state, d, index, a);
  else if (kind === END) state.end(process);

  if (state.lastResort) standApart(state, d);
  record[slot + 3] = result;
  return result;
}

/** Whether a plain access of the process is a step of its own. */
export function isStep(state: State, process: number, kind: number, index: number): boolean {
  const { settings } = state;
  if (settings.everyAccess || settings.allowsRaces(index)) return true;
  // A death between two plain writes leaves the first without the second.
  return kind === WRITE && state.killsLeft > 0 && process < state.threads;
}

/** An access by code outside of the threads. */
export function accessOutside(
  state: State,
  kind: number,
  index: number,
  a: number,
  b: number,
): number {
  if (kind === WAIT) throw new TypeError('Cannot wait outside of a thread');
  const value = state.words[index]!;
  if (kind === NOTIFY) return 0;
  state.memory.write(index, applied(kind, value, a, b));
  return value;
}

/** A plain access that is no step of its own: it belongs to the step before it. */
export function plainAccess(
  state: State,
  process: number,
  index: number,
  writing: boolean,
  value: number,
): number {
  if (!state.settings.allowsRaces(index)) {
    state.racer = state.races.plain(index, process, state.lastOf[process]!, writing);
  }
  const old = state.words[index]!;
  if (writing) state.memory.write(index, value);
  return old;
}

/** `process` dies. Its sweeper, if there is one, can start from here on. */
export function kill(state: State, process: number): void {
  const bit = 1 << process;
  const head = state.records[process]!.words[state.slots[process]!]!;
  const asleep = (state.waiting & bit) !== 0;
  const d = state.begin(
    process,
    actorOf(DIE, process),
    hasWord(kindOf(head)) ? head : headOf(END, 0),
  );
  if (asleep) state.place(d, indexOf(head), WRITES);
  state.live &= ~bit;
  state.waiting &= ~bit;
  state.timed &= ~bit;
  state.spinning &= ~bit;
  state.killed |= bit;
  state.killsLeft--;
  if (state.settings.sweeps === 'none') return;
  const sweeper = process + state.threads;
  state.live |= 1 << sweeper;
  state.lastOf[sweeper] = d;
  state.enablers[sweeper] = NONE;
  state.slots[sweeper] = 0;
  state.records[sweeper]!.put(0, headOf(START, 0), 0, 0);
}

/** Where the record of a process begins to hold its accesses: a sweeper's is headed by its start. */
export function firstSlot(state: State, process: number): number {
  return process < state.threads ? 0 : SLOT;
}

function plainStep(
  state: State,
  d: number,
  process: number,
  index: number,
  writing: boolean,
): void {
  // Nobody who reads this word learns of what the last atomic store published.
  if (writing) state.trace.release[d] = NONE;
  if (state.settings.allowsRaces(index)) return;
  state.racer = state.races.plain(index, process, state.trace.previousOf[d]!, writing);
}

function atomicStep(
  state: State,
  d: number,
  process: number,
  kind: number,
  index: number,
  writing: boolean,
): void {
  const { races, trace } = state;
  if (kind !== STORE) races.join(d, trace.release[d]!);
  if (writing) trace.release[d] = d;
  if (races.isPlain(index)) state.racer = races.atomic(index, process, d, writing);
}

/** Stores a value, and lets go on who was spinning on the word. */
function write(state: State, d: number, process: number, index: number, value: number): void {
  if (state.words[index] === value) return;
  state.memory.write(index, value);
  if (state.spinning === 0) return;
  for (let p = 0; p < state.processes; p++) {
    if (p === process || (state.spinning & (1 << p)) === 0) continue;
    const record = state.records[p]!;
    const slot = state.slots[p]!;
    if (!record.touches(slot, record.cycleAt(slot, state.settings.spins), index)) continue;
    state.spinning &= ~(1 << p);
    state.enablers[p] = d;
  }
}

function wait(
  state: State,
  d: number,
  process: number,
  index: number,
  expected: number,
  timeout: number,
): number {
  const equal = state.words[index] === expected;
  const sleeps = equal && timeout !== NOT_AT_ALL;
  state.place(d, index, sleeps ? WRITES : READS);
  atomicStep(state, d, process, WAIT, index, false);
  if (!equal) return NOT_EQUAL;
  if (!sleeps) return TIMED_OUT;
  state.waiting |= 1 << process;
  if (timeout === FOR_A_WHILE) state.timed |= 1 << process;
  return ENQUEUED;
}

function wake(state: State, d: number, process: number, index: number, way: number): number {
  if (way === TIME_OUT) {
    state.place(d, index, WRITES);
    state.waiting &= ~(1 << process);
    state.timed &= ~(1 << process);
    return TIMED_OUT;
  }
  state.races.join(d, state.enablers[process]!);
  return OK;
}

function notify(state: State, d: number, index: number, most: number): number {
  let woken = 0;
  for (; woken < most; woken++) {
    const process = firstAsleep(state, index);
    if (process === NONE) break;
    // Both go through the queue's critical section, which orders them.
    state.races.join(d, state.lastOf[process]!);
    state.waiting &= ~(1 << process);
    state.timed &= ~(1 << process);
    state.enablers[process] = d;
  }
  state.place(d, index, woken > 0 ? WRITES : READS);
  return woken;
}

/** Who has waited longest on the word. */
function firstAsleep(state: State, index: number): number {
  let first = NONE;
  for (let p = 0; p < state.processes; p++) {
    if ((state.waiting & (1 << p)) === 0) continue;
    if (state.pendingIndex(p) !== index) continue;
    if (first === NONE || state.lastOf[p]! < state.lastOf[first]!) first = p;
  }
  return first;
}

/** Everything else so far comes before the event: it was possible only once nobody else could go on. */
function standApart(state: State, d: number): void {
  state.trace.flags[d]! |= BARRIER;
  const { threads, killed } = state;
  for (let p = 0; p < state.processes; p++) {
    // What a sweeper has left of an earlier schedule does not count.
    if (p >= threads && (killed & (1 << (p - threads))) === 0) continue;
    const last = state.lastOf[p]!;
    if (last !== d) state.races.join(d, last);
  }
}
