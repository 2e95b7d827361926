import { Histogram, type HistogramSnapshot, type ThreadId } from '@millrace/core';
import { bucketOf, BUCKETS, leastIn, middleOf, widthOf } from '@millrace/core/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharedWords, start, until } from './rings-threads.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const RUNS = 1000;
const LARGEST = 2 ** 53;
const ERROR = 1 / 64;
const ONE = 1 as ThreadId;
const TWO = 2 as ThreadId;

/** Values of every magnitude, each as likely as the others. */
const value = fc
  .tuple(fc.nat(53), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([bits, part]) => Math.min(LARGEST, Math.floor(2 ** bits * (1 + part))));

function histogram(): { words: Int32Array; filled: Histogram } {
  const words = sharedWords(Histogram.words());
  return { words, filled: new Histogram(words, 0) };
}

function expectClose(actual: number, exact: number): void {
  expect(Math.abs(actual - exact)).toBeLessThanOrEqual(exact * ERROR);
}

function expectDescribes(snapshot: HistogramSnapshot, values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  expect([snapshot.count, snapshot.min, snapshot.max]).toEqual([
    count,
    sorted[0] ?? 0,
    sorted.at(-1) ?? 0,
  ]);
  if (count === 0) {
    expect([snapshot.mean, snapshot.percentile(50)]).toEqual([0, 0]);
    return;
  }
  expectClose(
    snapshot.mean,
    sorted.reduce((sum, each) => sum + each / count, 0),
  );
  for (const percent of [0, 1, 25, 50, 90, 99, 99.9, 100]) {
    const rank = Math.max(1, Math.ceil((percent / 100) * count));
    expectClose(snapshot.percentile(percent), sorted[rank - 1]!);
  }
}

describe('The buckets of a histogram', () => {
  test('take every value into one that stands for it to within 1/64', () => {
    fc.assert(
      fc.property(value, (each) => {
        const bucket = bucketOf(each);
        expect(bucket).toBeLessThan(BUCKETS);
        const capped = Math.min(each, LARGEST - 1);
        expect(leastIn(bucket)).toBeLessThanOrEqual(capped);
        expect(leastIn(bucket) + widthOf(bucket) - 1).toBeGreaterThanOrEqual(capped);
        expectClose(middleOf(bucket), each);
      }),
      { numRuns: 3 * RUNS },
    );
  });

  test('follow one another without a gap, from 0 to 2^53 − 1', () => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const least = leastIn(bucket);
      const greatest = least + widthOf(bucket) - 1;
      expect([bucketOf(least), bucketOf(greatest)]).toEqual([bucket, bucket]);
      if (bucket + 1 < BUCKETS) expect(leastIn(bucket + 1)).toBe(greatest + 1);
      else expect(greatest).toBe(Number.MAX_SAFE_INTEGER);
    }
  });
});

describe('A histogram', () => {
  test('describes what several threads recorded, each alone and together', () => {
    const { words, filled } = histogram();
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 50 }),
        fc.array(value, { maxLength: 50 }),
        (a, b) => {
          words.fill(0);
          const [one, two] = [filled.recorder(ONE), filled.recorder(TWO)];
          for (const each of a) one.record(each);
          for (const each of b) two.record(each);
          expectDescribes(filled.of(ONE), a);
          expectDescribes(filled.of(TWO), b);
          expectDescribes(filled.snapshot(), [...a, ...b]);
          const merged = filled.of(ONE).merged(filled.of(TWO));
          expectDescribes(merged, [...a, ...b]);
          expect([...merged.buckets()]).toEqual([...filled.snapshot().buckets()]);
          expect(filled.stats().stripes).toBe(Number(a.length > 0) + Number(b.length > 0));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('goes on with what the last user of a thread id recorded', () => {
    const { filled } = histogram();
    filled.recorder(ONE).record(5);
    filled.recorder(ONE).record(9);
    filled.recorder(ONE).record(7);
    expectDescribes(filled.snapshot(), [5, 7, 9]);
  });

  test('tells what came since an earlier snapshot', () => {
    const { filled } = histogram();
    const recorder = filled.recorder(ONE);
    recorder.record(1);
    recorder.record(1000);
    const earlier = filled.snapshot();
    for (const each of [20, 30, 40]) recorder.record(each);
    expectDescribes(filled.snapshot().since(earlier), [20, 30, 40]);
  });

  test('counts beyond 2^31 and 2^32 in one bucket', () => {
    const { words, filled } = histogram();
    const recorder = filled.recorder(ONE);
    recorder.record(3);
    const at = lowWordOf(words);
    // As after 2^31 − 1 records, and after 2^32 − 1.
    words[at] = 2 ** 31 - 1;
    expect(filled.snapshot().count).toBe(2 ** 31 - 1);
    recorder.record(3);
    expect(filled.snapshot().count).toBe(2 ** 31);
    recorder.record(3);
    expect(filled.snapshot().count).toBe(2 ** 31 + 1);
    words[at] |= 2 ** 31 - 1;
    recorder.record(3);
    recorder.record(3);
    expect(filled.snapshot().count).toBe(2 ** 32 + 1);
    expect(filled.snapshot().percentile(50)).toBe(3);
  });

  test('shows a carry whole, whenever it is read, and whenever its writer dies', () => {
    for (const carries of [0, 1, 2]) {
      const { words, filled } = histogram();
      filled.recorder(ONE).record(3);
      const at = lowWordOf(words);
      const set = (): void => {
        words[at] = (carries << 31) | (2 ** 31 - 1);
        words[at + BUCKETS] = carries;
      };
      const full = (carries + 1) * 2 ** 31 - 1;
      const gaps = atEveryGap((interrupt) => {
        set();
        let seen = full;
        interrupt(
          () => filled.recorder(ONE).record(3),
          () => (seen = filled.of(ONE).count),
        );
        expect([full, full + 1]).toContain(seen);
        expect(filled.of(ONE).count).toBe(full + 1);
      });
      expect(gaps).toBeGreaterThan(2);
      expect(countedWhile(filled, set, () => filled.recorder(ONE).record(3), at)).toEqual(
        new Set([full, full + 1]),
      );
      dyingAtEveryGap((mortal) => {
        set();
        mortal(() => filled.recorder(ONE).record(3));
        const left = filled.of(ONE).count;
        expect([full, full + 1]).toContain(left);
        filled.recorder(ONE).record(3);
        expect(filled.of(ONE).count).toBe(left + 1);
      });
    }
  });

  test('can be read while others record, and loses nothing', async () => {
    const { words, filled } = histogram();
    const [total, times] = [2000, 200];
    const progress = sharedWords(3);
    const threads = [ONE, TWO].map((thread) =>
      start('record', { words, thread, total, times, progress }),
    );
    let last = 0;
    let backwards = 0;
    await until(() => {
      const done = Atomics.load(progress, 1) * times + Atomics.load(progress, 2) * times;
      const { count, max } = filled.snapshot();
      // Between what was surely recorded before the look and what can have been after it.
      if (count < last || count < done || max >= total) backwards++;
      last = count;
      return done === 2 * total * times;
    });
    await Promise.all(threads.map(({ result }) => result));
    expect(backwards).toBe(0);
    const snapshot = filled.snapshot();
    expect([snapshot.count, snapshot.min, snapshot.max]).toEqual([2 * total * times, 0, total - 1]);
    expectClose(snapshot.percentile(50), total / 2 - 1);
    expectClose(snapshot.mean, (total - 1) / 2);
  });

  test('refuses values and places that cannot be', () => {
    const { words, filled } = histogram();
    for (const wrong of [-1, -0.1, Number.NaN, Infinity, 2 ** 53 + 2]) {
      expect(codeOf(() => filled.recorder(ONE).record(wrong))).toBe('ERR_INVALID_ARG');
    }
    expect(filled.snapshot().count).toBe(0);
    for (const at of [1, -1, 0.5]) {
      expect(codeOf(() => new Histogram(words, at))).toBe('ERR_INVALID_ARG');
    }
  });
});

/** Where thread 1 counts the threes that it alone has recorded, once: the word that one more record changes by one. */
function lowWordOf(words: Int32Array): number {
  const before = words.slice();
  new Histogram(words, 0).recorder(ONE).record(3);
  return words.findIndex((word, index) => word !== before[index]);
}

/** What a reader counts when `intrude` comes right before or right after any of its loads of the words of `low`. */
function countedWhile(
  filled: Histogram,
  set: () => void,
  intrude: () => void,
  low: number,
): Set<number> {
  const real = Atomics.load;
  const counted = new Set<number>();
  for (let gap = 0; gap < 6; gap++) {
    set();
    let at = 0;
    const pass = (index: number): void => {
      if ((index === low || index === low + BUCKETS) && at++ === gap) intrude();
    };
    Atomics.load = ((array: Int32Array, index: number): number => {
      pass(index);
      const word = real(array, index);
      pass(index);
      return word;
    }) as typeof real;
    try {
      counted.add(filled.of(ONE).count);
    } finally {
      Atomics.load = real;
    }
  }
  return counted;
}
