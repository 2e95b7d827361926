/** Waiters that spin before they park: a wake-up reaches a thread whichever of the two it does. */
import { Latch, ManualResetEvent, Mutex, Waiter } from '@millrace/core';
import type { ThreadBody, ThreadContext } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { AT, ensure, expectNoFault, idOf, within } from './exploring.ts';

/** A plain note, guarded by the structure. */
const NOTE = 0;

/** Spins for sixteen looks: a thread's clock moves by a microsecond when it is looked at. */
const spinning = (): { waiter: Waiter } => ({ waiter: new Waiter({ mostSpinMs: 0.001 }) });
/** More than these, so that nobody is set aside who only spins. */
const spins = 40;

const locks: ThreadBody = ({ words, thread }: ThreadContext) => {
  const mutex = new Mutex(words, AT, idOf(thread), spinning());
  mutex.lock();
  words[NOTE] = words[NOTE]! + 1;
  mutex.unlock();
};

const waits: ThreadBody = ({ words, thread }) => {
  new ManualResetEvent(words, AT, idOf(thread), spinning()).wait();
  ensure(words[NOTE] === 1, 'It passes before the event is set');
};

const sets: ThreadBody = ({ words, thread }) => {
  words[NOTE] = 1;
  new ManualResetEvent(words, AT, idOf(thread), spinning()).set();
};

const countsAndWaits: ThreadBody = ({ words, thread }) => {
  const latch = new Latch(words, AT, idOf(thread), spinning());
  latch.countDown();
  latch.wait();
};

describe('a waiter that spins', () => {
  test('gets a lock that comes free while it spins, or parks', () => {
    const of = { words: AT + Mutex.WORDS, spins, threads: [locks, locks] };
    expectNoFault({ ...of, mode: within(3) });
    expectNoFault({ ...of, threads: [locks, locks, locks], mode: within(1) });
  });

  test('sees an event, and a latch that others open', () => {
    const words = AT + ManualResetEvent.WORDS;
    expectNoFault({ words, spins, threads: [waits, waits, sets], mode: within(2) });
    expectNoFault({
      words: AT + Latch.WORDS,
      setup: (world) => Latch.init(world.words, AT, 2),
      spins,
      threads: [countsAndWaits, countsAndWaits],
      mode: within(3),
    });
  });
});
