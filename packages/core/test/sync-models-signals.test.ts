/** Signals against plain models of them: tasks of several threads wait, are told and give up. */
import {
  Condition,
  EventCount,
  Latch,
  ManualResetEvent,
  Mutex,
  type LockOutcome,
  type ThreadId,
} from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Wait, abortAll, oneTurn } from './sync-waits.ts';
import { sharedWords } from './threads.ts';
import { codeOf } from './thrown.ts';

const RUNS = 1000;
const THREADS = [1, 2, 3] as ThreadId[];
const thread = fc.constantFrom(...THREADS);

/** What all of these have come to: `undefined` for those who wait. */
function outcomesOf(waits: readonly Wait<unknown>[]): unknown[] {
  return waits.map(({ outcome }) => outcome);
}

test('a condition tells those who wait in their order, and nobody who gave up', async () => {
  const step = fc.record({
    action: fc.constantFrom('wait', 'wait', 'notifyOne', 'notifyAll', 'abort'),
    thread,
    which: fc.nat(9),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const words = sharedWords(Mutex.WORDS + Condition.words(THREADS.length));
      const mutexes = THREADS.map((each) => new Mutex(words, 0, each));
      const conditions = THREADS.map((each) => new Condition(words, Mutex.WORDS, each));
      let line: { thread: ThreadId; wait: Wait<LockOutcome> }[] = [];
      const leave = async (waiter: (typeof line)[number], outcome: unknown): Promise<void> => {
        line = line.filter((each) => each !== waiter);
        expect(await waiter.wait.ended).toEqual(outcome);
        // Whoever comes out has the mutex, told or not.
        mutexes[waiter.thread - 1]!.unlock();
      };
      for (const { action, thread: me, which } of steps) {
        const [mutex, condition] = [mutexes[me - 1]!, conditions[me - 1]!];
        if (action === 'wait' && line.filter((each) => each.thread === me).length < 6) {
          expect(mutex.tryLock()).toBe('clean');
          line.push({ thread: me, wait: new Wait((limits) => condition.waitAsync(mutex, limits)) });
        } else if (action === 'notifyOne') {
          expect(condition.notifyOne()).toBe(line.length > 0);
          if (line.length > 0) await leave(line[0]!, { value: 'clean' });
        } else if (action === 'notifyAll') {
          expect(condition.notifyAll()).toBe(line.length);
          // They come out one by one, in any order: each needs the mutex.
          while (line.length > 0) {
            await Promise.race(line.map(({ wait }) => wait.ended));
            const out = line.filter(({ wait }) => wait.outcome !== undefined);
            expect(out.length).toBe(1);
            await leave(out[0]!, { value: 'clean' });
          }
        } else if (action === 'abort' && line.length > 0) {
          const given = line[which % line.length]!;
          void given.wait.abort();
          await leave(given, { code: 'ERR_ABORTED' });
        }
        expect(condition.stats().waiting).toEqual(line.map((each) => each.thread));
      }
      await oneTurn();
      expect(outcomesOf(line.map(({ wait }) => wait))).toEqual(line.map(() => undefined));
      while (line.length > 0) {
        void line[0]!.wait.abort();
        await leave(line[0]!, { code: 'ERR_ABORTED' });
      }
    }),
    { numRuns: RUNS },
  );
});

test('a latch opens at zero and stays open', async () => {
  const step = fc.record({
    action: fc.constantFrom('wait', 'wait', 'countDown', 'abort'),
    thread,
    by: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.nat(5), fc.array(step, { maxLength: 20 }), async (first, steps) => {
      const words = sharedWords(Latch.WORDS);
      Latch.init(words, 0, first);
      const latches = THREADS.map((each) => new Latch(words, 0, each));
      let count = first;
      let waits: Wait<void>[] = [];
      for (const { action, thread: me, by } of steps) {
        const latch = latches[me - 1]!;
        if (action === 'wait') waits.push(new Wait((limits) => latch.waitAsync(limits)));
        else if (action === 'abort') {
          const given = count > 0 ? waits.pop() : undefined;
          if (given) expect(await given.abort()).toEqual({ code: 'ERR_ABORTED' });
        } else if (by > count) {
          expect(codeOf(() => latch.countDown(by))).toBe('ERR_INVALID_ARG');
        } else {
          expect(latch.countDown(by)).toBe(by === count);
          count -= by;
        }
        expect([latch.tryWait(), latch.stats().count]).toEqual([count === 0, count]);
        if (count > 0) continue;
        for (const { ended } of waits) expect(await ended).toEqual({ value: undefined });
        waits = [];
      }
      await oneTurn();
      expect(outcomesOf(waits)).toEqual(waits.map(() => undefined));
      await abortAll(waits);
      expect(latches[0]!.stats().waiting).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

test('an event lets all pass who waited when it was set, or came before it was reset', async () => {
  const step = fc.record({
    action: fc.constantFrom('wait', 'wait', 'set', 'reset', 'pulse', 'abort'),
    thread,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const words = sharedWords(ManualResetEvent.WORDS);
      const events = THREADS.map((each) => new ManualResetEvent(words, 0, each));
      let [set, timesSet] = [false, 0];
      let waits: Wait<void>[] = [];
      for (const { action, thread: me } of steps) {
        const event = events[me - 1]!;
        let due = set;
        if (action === 'wait') {
          waits.push(new Wait((limits) => event.waitAsync(limits)));
        } else if (action === 'set' || action === 'pulse') {
          expect(event.set()).toBe(!set);
          if (!set) timesSet++;
          due = true;
          set = action === 'set';
          if (!set) expect(event.reset()).toBe(true);
        } else if (action === 'reset') {
          expect(event.reset()).toBe(set);
          due = set = false;
        } else {
          const given = waits.pop();
          if (given) expect(await given.abort()).toEqual({ code: 'ERR_ABORTED' });
        }
        if (due) {
          for (const { ended } of waits) expect(await ended).toEqual({ value: undefined });
          waits = [];
        }
        expect(event.stats()).toMatchObject({ set, timesSet });
      }
      await oneTurn();
      expect(outcomesOf(waits)).toEqual(waits.map(() => undefined));
      await abortAll(waits);
    }),
    { numRuns: RUNS },
  );
});

test('an event count wakes those whose condition holds, and lets the others sleep on', async () => {
  const step = fc.record({
    action: fc.constantFrom('wait', 'wait', 'publish', 'ring', 'abort'),
    thread,
    count: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const [BELL, NEWS] = [0, 1];
      const words = sharedWords(2);
      const bells = THREADS.map(() => new EventCount(words, BELL));
      let news = 0;
      let waits: { least: number; wait: Wait<boolean> }[] = [];
      for (const { action, thread: me, count } of steps) {
        const bell = bells[me - 1]!;
        if (action === 'wait') {
          const least = news + count - 1;
          const ready = (): boolean => Atomics.load(words, NEWS) >= least;
          waits.push({ least, wait: new Wait((limits) => bell.wait(ready, limits)) });
        } else if (action === 'publish') {
          news = Atomics.add(words, NEWS, count) + count;
          bell.ring();
        } else if (action === 'ring') {
          bell.ringAnyway();
        } else {
          const given = waits.pop();
          if (given) expect(await given.wait.abort()).toEqual({ code: 'ERR_ABORTED' });
        }
        for (const { least, wait } of waits) {
          if (least <= news) expect(await wait.ended).toEqual({ value: true });
        }
        waits = waits.filter(({ least }) => least > news);
      }
      await oneTurn();
      expect(outcomesOf(waits.map(({ wait }) => wait))).toEqual(waits.map(() => undefined));
      await abortAll(waits.map(({ wait }) => wait));
    }),
    { numRuns: RUNS },
  );
});
