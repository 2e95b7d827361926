/** The manual-reset event in every order of its steps, with deaths at each of them. */
import { ManualResetEvent } from '@millrace/core';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import {
  AT,
  OBSERVER,
  SOMETIME,
  endsWith,
  ensure,
  expectNoFault,
  idOf,
  parking,
  sweeperOf,
  within,
} from './exploring.ts';

/** A plain note, which the event alone keeps from being raced for. */
const NEWS = 0;

const eventOf = ({ words, thread }: ThreadContext): ManualResetEvent =>
  new ManualResetEvent(words, AT, idOf(thread), parking);

/** Waits for the news. */
const waits: ThreadBody = (context) => {
  eventOf(context).wait();
  ensure(context.words[NEWS] === 1, 'It passes before the event is set');
};

const givesUp: ThreadBody = (context) => {
  const event = eventOf(context);
  if (endsWith('ERR_TIMEOUT', () => event.wait(SOMETIME))) return;
  ensure(context.words[NEWS] === 1, 'It passes before the event is set');
};

const sets: ThreadBody = (context) => {
  context.words[NEWS] = 1;
  eventOf(context).set();
};

/** Whoever is seen waiting passes, though the event does not stay set; for all others it does. */
const pulses =
  (waiters: number): ThreadBody =>
  (context) => {
    const event = eventOf(context);
    context.words[NEWS] = 1;
    const allWait = event.stats().waiting.length === waiters;
    event.set();
    if (allWait) event.reset();
  };

/** Sets the event when the thread with the index `setter` died before it had. */
const sweepFor =
  (setter: number) =>
  ({ words, thread }: ThreadContext): void => {
    const event = new ManualResetEvent(words, AT, sweeperOf(thread), parking);
    event.reclaim(idOf(thread));
    if (thread !== setter || event.tryWait()) return;
    words[NEWS] = 1;
    event.set();
  };

function nobodyWaits({ words }: World): void {
  const { waiting } = new ManualResetEvent(words, AT, OBSERVER).stats();
  ensure(waiting.length === 0, `${waiting.length} wait`);
}

const event: Omit<Case, 'name' | 'threads'> = {
  words: AT + ManualResetEvent.WORDS,
  check: nobodyWaits,
};

describe('an event', () => {
  test('lets nobody pass before it is set, and everybody then', () => {
    expectNoFault({ ...event, threads: [waits, waits, sets] });
  });

  test('lets those pass who waited when it was set, though it is reset at once', () => {
    expectNoFault({ ...event, threads: [waits, pulses(1)] });
    expectNoFault({ ...event, threads: [waits, waits, pulses(2)] });
  });

  test('wakes the others when some give up', () => {
    expectNoFault({ ...event, threads: [waits, givesUp, sets] });
  });

  test('wakes all once, whoever sets it first', () => {
    const setsToo: ThreadBody = (context) => void eventOf(context).set();
    const passes: ThreadBody = (context) => eventOf(context).wait();
    expectNoFault({ ...event, threads: [passes, setsToo, setsToo] });
  });

  test('loses no wake-up with a thread that dies, at any step', () => {
    const deadly = { ...event, kills: 1 };
    expectNoFault({ ...deadly, sweep: sweepFor(1), threads: [waits, sets] });
    const three = [waits, waits, sets];
    expectNoFault({ ...deadly, sweep: sweepFor(2), threads: three, mode: within(2) });
  });
});
