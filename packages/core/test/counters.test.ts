import type { ThreadId } from '@millrace/core';
import { StripedCounters, addTo } from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTable, join, register, wipe } from './memory.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { resultOf, sharedWords, startThread } from './threads.ts';

const RANGE = 2 ** 30;
const LAST = RANGE - 1;
const me = 1 as ThreadId;
const other = 2 as ThreadId;
const table = createTable(1);

function freshCounters(): StripedCounters {
  wipe(table);
  return new StripedCounters(table.words, table.layout);
}

/** Sets the two words of a counter: what was counted below 2^30 with the parity of the carries, and the carries. */
function setWords(at: number, low: number, parity: number, high: number): void {
  table.words[at] = parity * RANGE + low;
  table.words[at + 1] = high;
}

test('a fresh counter is zero, and a counter is the sum of what was added', () => {
  const counters = freshCounters();
  expect(counters.sum(0)).toBe(0);
  for (const amount of [1, 0, 41, 1000]) counters.add(me, 0, amount);
  expect(counters.sum(0)).toBe(1042);
  expect(counters.of(me, 0)).toBe(1042);
  expect(counters.of(other, 0)).toBe(0);
  expect(counters.sum(1)).toBe(0);
});

test('the sum goes over all threads, from the first id to the last', () => {
  const counters = freshCounters();
  for (let id = 1; id <= 127; id++) counters.add(id as ThreadId, 2, id);
  expect(counters.sum(2)).toBe((127 * 128) / 2);
  expect([counters.sum(1), counters.sum(3)]).toEqual([0, 0]);
});

test.each([
  [0, LAST, 1],
  [0, LAST, LAST],
  [1, LAST, 1],
  [2, 1, LAST],
  [2 ** 21, LAST, 1],
  [2 ** 22 - 1, LAST - 1, 1],
])('%i carries and a count of %i go on to the next value when %i is added', (high, low, amount) => {
  const counters = freshCounters();
  setWords(counters.at(me, 0), low, high & 1, high);
  expect(counters.sum(0)).toBe(high * RANGE + low);
  counters.add(me, 0, amount);
  expect(counters.sum(0)).toBe(high * RANGE + low + amount);
});

test('a counter is exact through any amounts', () => {
  const anyAmount = fc.oneof(
    fc.integer({ min: 0, max: LAST }),
    fc.integer({ min: LAST - 3, max: LAST }),
    fc.integer({ min: 0, max: 3 }),
  );
  const anyAdditions = fc.array(fc.tuple(fc.constantFrom(me, other), anyAmount), { maxLength: 60 });
  fc.assert(
    fc.property(anyAdditions, (additions) => {
      const counters = freshCounters();
      let total = 0;
      for (const [thread, amount] of additions) {
        addTo(table.words, counters.at(thread, 1), amount);
        total += amount;
        expect(counters.sum(1)).toBe(total);
      }
    }),
    { numRuns: 1000 },
  );
});

test.each([0, 1, 7, 8])(
  'a reader between the two stores of carry %i sees what was there before',
  (high) => {
    const counters = freshCounters();
    setWords(counters.at(me, 0), LAST, high & 1, high + 1);
    expect(counters.sum(0)).toBe(high * RANGE + LAST);
  },
);

test('a reader at any step of an addition sees the value before it or after it', () => {
  for (const [high, low, amount] of [
    [0, 5, 3],
    [0, LAST, 1],
    [1, LAST, LAST],
  ] as const) {
    const before = high * RANGE + low;
    const seen: number[] = [];
    atEveryGap((interrupt) => {
      const counters = freshCounters();
      setWords(counters.at(me, 0), low, high, high);
      interrupt(
        () => counters.add(me, 0, amount),
        () => seen.push(counters.sum(0)),
      );
      expect(counters.sum(0)).toBe(before + amount);
    });
    expect(seen.every((sum) => sum === before || sum === before + amount)).toBe(true);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  }
});

test('an addition at any step of a read is seen whole or not at all', () => {
  for (const [high, low, additions] of [
    [0, LAST, [1]],
    [1, LAST, [1]],
    [0, LAST, [LAST, LAST, LAST]],
  ] as const) {
    const before = high * RANGE + low;
    const after = additions.reduce((sum: number, amount) => sum + amount, before);
    const gaps = atEveryGap((interrupt) => {
      const counters = freshCounters();
      setWords(counters.at(me, 0), low, high, high);
      let seen = 0;
      interrupt(
        () => (seen = counters.of(me, 0)),
        () => additions.forEach((amount) => counters.add(me, 0, amount)),
      );
      expect(seen).toBeGreaterThanOrEqual(before);
      expect(seen).toBeLessThanOrEqual(after);
    });
    expect(gaps).toBe(6);
  }
});

test('a thread that dies at any step of a carry does not put out the next thread of its id', () => {
  const gaps = dyingAtEveryGap((mortal) => {
    const counters = freshCounters();
    const at = counters.at(me, 0);
    counters.add(me, 0, LAST);
    mortal(() => addTo(table.words, at, 5));
    const known = counters.sum(0);
    expect([LAST, LAST + 5]).toContain(known);
    let total = known;
    for (const amount of [1, LAST, LAST, LAST, LAST]) {
      counters.add(me, 0, amount);
      total += amount;
      expect(counters.sum(0)).toBe(total);
    }
  });
  expect(gaps).toBe(4);
});

test('a reader sees every value between what was done and what was begun, while a thread carries all the time', async () => {
  wipe(table);
  const { handle, counters } = join(table);
  const amount = 2 ** 29;
  const times = 300_000;
  const progress = sharedWords(2);
  const worker = startThread('countUp', {
    handle,
    thread: register(table),
    index: 3,
    amount,
    times,
    progress,
  });
  const finished = resultOf(worker);
  let ended = false;
  void finished.finally(() => (ended = true)).catch(() => undefined);
  let last = 0;
  let reads = 0;
  while (!ended) {
    for (let i = 0; i < 1000; i++, reads++) {
      const done = Atomics.load(progress, 1);
      const sum = counters.sum(3);
      const begun = Atomics.load(progress, 0);
      if (sum < last || sum < done * amount || sum > begun * amount) {
        expect.fail(`Read ${sum} after ${last}, while ${done} to ${begun} additions were made`);
      }
      last = sum;
    }
    await new Promise(setImmediate);
  }
  await finished;
  expect(counters.sum(3)).toBe(amount * times);
  expect(reads).toBeGreaterThan(1000);
});
