import { Gauges, type ThreadId } from '@millrace/core';
import { loadNumber, NUMBER_WORDS, storeNumber } from '@millrace/core/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharedWords, start } from './rings-threads.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const RUNS = 1000;
const COUNT = 5;
const NUMBERS = [0, -1, 0.1, 2 ** 31, 2 ** 53, -(2 ** 40) - 0.5, Infinity];

function gauges(): Gauges {
  return new Gauges(sharedWords(Gauges.words(COUNT)), 0, COUNT);
}

describe('A number in shared memory', () => {
  test('is the one before or the one after, whenever it is read, and whenever its writer dies', () => {
    for (const before of NUMBERS) {
      for (const after of NUMBERS) {
        const words = new Int32Array(NUMBER_WORDS);
        const gaps = atEveryGap((interrupt) => {
          storeNumber(words, 0, before);
          let seen = before;
          interrupt(
            () => storeNumber(words, 0, after),
            () => (seen = loadNumber(words, 0)),
          );
          expect([before, after]).toContain(seen);
          expect(loadNumber(words, 0)).toBe(after);
        });
        expect(gaps).toBeGreaterThan(3);
        dyingAtEveryGap((mortal) => {
          storeNumber(words, 0, before);
          mortal(() => storeNumber(words, 0, after));
          expect([before, after]).toContain(loadNumber(words, 0));
          storeNumber(words, 0, 7);
          expect(loadNumber(words, 0)).toBe(7);
        });
      }
    }
  });

  test('is one that was written, whenever it is written while it is read', () => {
    // No two have a half in common.
    const numbers = [0.1, 2 / 3, 5e100, -7e-200];
    for (const times of [1, 2, 3]) {
      const words = new Int32Array(NUMBER_WORDS);
      atEveryGap((interrupt) => {
        storeNumber(words, 0, numbers[0]!);
        let seen = 0;
        interrupt(
          () => (seen = loadNumber(words, 0)),
          () => {
            for (let i = 1; i <= times; i++) storeNumber(words, 0, numbers[i]!);
          },
        );
        expect(numbers).toContain(seen);
      });
    }
  });
});

describe('Gauges', () => {
  test('say what was set and added, by thread, together, and last', () => {
    const step = fc.record({
      action: fc.constantFrom('set', 'add', 'setLatest', 'clear'),
      thread: fc.constantFrom(1, 2, 64, 127),
      index: fc.nat(COUNT - 1),
      value: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    });
    const said = gauges();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new Map<string, number>();
        const latest = new Map<number, number>();
        const told = (thread: number, index: number): number =>
          model.get(`${thread} ${index}`) ?? 0;
        for (const thread of [1, 2, 64, 127]) said.clear(thread as ThreadId);
        for (const { action, thread: id, index, value } of steps) {
          const thread = id as ThreadId;
          if (action === 'clear') {
            said.clear(thread);
            for (let i = 0; i < COUNT; i++) model.delete(`${thread} ${i}`);
            continue;
          }
          said[action](thread, index, value);
          model.set(`${thread} ${index}`, action === 'add' ? told(thread, index) + value : value);
          if (action === 'setLatest') latest.set(index, thread);
        }
        for (let index = 0; index < COUNT; index++) {
          for (const thread of [1, 2, 64, 127]) {
            expect(said.of(thread as ThreadId, index)).toBe(told(thread, index));
          }
          const sum = [1, 2, 64, 127].reduce((total, thread) => total + told(thread, index), 0);
          expect(said.sum(index)).toBe(sum);
          const last = latest.get(index);
          if (last !== undefined) expect(said.latest(index)).toBe(told(last, index));
        }
      }),
      { numRuns: RUNS },
    );
  });

  test('say 0 before anybody has set them', () => {
    const said = gauges();
    expect([said.sum(0), said.latest(4), said.of(9 as ThreadId, 2)]).toEqual([0, 0, 0]);
    expect(said.stats(0).writes.size).toBe(0);
  });

  test('are read whole while another thread sets them', async () => {
    const words = sharedWords(Gauges.words(COUNT));
    const said = new Gauges(words, 0, COUNT);
    const times = 300_000;
    const setting = start('setGauge', { words, thread: 3, count: COUNT, times });
    let ended = false;
    const end = setting.result.finally(() => (ended = true));
    const double = new Float64Array(1);
    const halves = new Int32Array(double.buffer);
    let torn = 0;
    let backwards = 0;
    for (let last = 0; !ended; await new Promise((resolve) => setImmediate(resolve))) {
      for (let i = 0; i < 1000; i++) {
        double[0] = said.latest(0);
        if (halves[0] !== halves[1]) torn++;
        if (halves[0]! < last) backwards++;
        last = halves[0]!;
      }
    }
    await end;
    double[0] = said.sum(0);
    expect([torn, backwards, halves[0]]).toEqual([0, 0, times - 1]);
    expect(said.stats(0).writes).toEqual(new Map([[3, times]]));
  });

  test('refuse counts and places that cannot be', () => {
    const words = new Int32Array(Gauges.words(2));
    for (const [at, count] of [
      [0, 0],
      [0, 3],
      [1, 2],
      [-1, 1],
      [0, 1.5],
      [Number.NaN, 1],
    ] as const) {
      expect(codeOf(() => new Gauges(words, at, count))).toBe('ERR_INVALID_ARG');
    }
  });
});
