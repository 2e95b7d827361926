/**
 * A histogram in every order of its steps. It has two buckets and two threads that record; the values are
 * fractions, so that the extremes say more than the buckets do.
 *
 * What a reader may see is listed beforehand: each bucket, then the least, then the greatest value is read
 * after the one before, while the writer goes on; a value stretches the extremes before it is counted.
 */
import type { HistogramSnapshot } from '@millrace/core';
import { HistogramStripes } from '@millrace/core/internal';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { AT, ensure, expectNoFault, idOf, within } from './exploring.ts';

/** Values from 0 to less than 2, of the threads 1 and 2. */
const SHAPE = { threads: 3, largest: 1.75 };
const STRIPE = HistogramStripes.words(SHAPE) / SHAPE.threads;
/** Of a stripe: where its buckets are counted. */
const LOW = 32;
const RANGE = 2 ** 31;
const [ONE, TWO] = [idOf(0), idOf(1)];

const histogramOf = (words: Int32Array): HistogramStripes => new HistogramStripes(words, AT, SHAPE);

/** A value on its way into a stripe: `lost` is one whose thread died before it was counted. */
interface Recorded {
  readonly value: number;
  readonly lost?: boolean;
}

/** What can be read of some stripes: how many values are in each bucket, and the extremes. */
interface Reading {
  readonly counts: readonly [number, number];
  readonly min: number;
  readonly max: number;
}

const NOTHING: Reading = { counts: [0, 0], min: Infinity, max: -Infinity };

const plain = (values: readonly number[]): Recorded[] => values.map((value) => ({ value }));

/** A stripe after the first so many of its records: each part as of another moment. */
function after(records: readonly Recorded[], [zeros, ones, least, greatest]: number[]): Reading {
  const values = records.map(({ value }) => value);
  const counted = (until: number | undefined, bucket: number): number =>
    records.slice(0, until).filter(({ value, lost }) => !lost && Math.floor(value) === bucket)
      .length;
  return {
    counts: [counted(zeros, 0), counted(ones, 1)],
    min: Math.min(...values.slice(0, least)),
    max: Math.max(...values.slice(0, greatest)),
  };
}

/** All that a reader may see of a stripe while these are recorded. */
function during(records: readonly Recorded[]): Reading[] {
  const readings = [NOTHING];
  const until = (from: number): number[] =>
    Array.from({ length: records.length + 1 - from }, (_, i) => from + i);
  for (const zeros of until(0)) {
    for (const ones of until(zeros)) {
      for (const least of until(Math.max(ones, 1))) {
        for (const greatest of until(least)) {
          readings.push(after(records, [zeros, ones, least, greatest]));
        }
      }
    }
  }
  return readings;
}

const whole = (records: readonly Recorded[]): Reading =>
  after(
    records,
    Array.from({ length: 4 }, () => records.length),
  );

function together(one: Reading, other: Reading): Reading {
  return {
    counts: [one.counts[0] + other.counts[0], one.counts[1] + other.counts[1]],
    min: Math.min(one.min, other.min),
    max: Math.max(one.max, other.max),
  };
}

/** As snapshots tell it: extremes of values that are not counted yet are moved to where some are. */
function told({ counts, min, max }: Reading): Reading {
  if (counts[0] + counts[1] === 0) return NOTHING;
  const into = (bucket: number, value: number): number =>
    Math.floor(value) === bucket ? value : bucket;
  return {
    counts,
    min: into(counts[0] > 0 ? 0 : 1, min),
    max: into(counts[1] > 0 ? 1 : 0, max),
  };
}

const nameOf = ({ counts, min, max }: Reading): string =>
  counts[0] + counts[1] === 0 ? 'nothing' : `${counts.join(' + ')} values from ${min} to ${max}`;

const namesOf = (readings: readonly Reading[]): Set<string> =>
  new Set(readings.map((reading) => nameOf(told(reading))));

function nameOfSnapshot(snapshot: HistogramSnapshot): string {
  const counts: [number, number] = [0, 0];
  for (const { from, count } of snapshot.buckets()) counts[from] = count;
  return nameOf({ counts, min: snapshot.min, max: snapshot.max });
}

const records =
  (values: readonly number[]): ThreadBody =>
  ({ words, thread }) => {
    const recorder = histogramOf(words).recorder(idOf(thread));
    for (const value of values) recorder.record(value);
  };

/** Reads some times, sees nothing but what it may, and never fewer values than before. */
const looks =
  (
    times: number,
    read: (histogram: HistogramStripes) => HistogramSnapshot,
    may: Set<string>,
  ): ThreadBody =>
  ({ words }) => {
    const histogram = histogramOf(words);
    let most = 0;
    for (let i = 0; i < times; i++) {
      const snapshot = read(histogram);
      const name = nameOfSnapshot(snapshot);
      ensure(may.has(name), `It tells of ${name}`);
      ensure(snapshot.count >= most, `It tells of ${snapshot.count} values after ${most}`);
      most = snapshot.count;
    }
  };

const ofBoth = (histogram: HistogramStripes): HistogramSnapshot => histogram.snapshot();
const ofOne = (histogram: HistogramStripes): HistogramSnapshot => histogram.of(ONE);
const merged = (histogram: HistogramStripes): HistogramSnapshot =>
  histogram.of(ONE).merged(histogram.of(TWO));

/** Buckets are counted plainly, each by one thread, and read meanwhile: nothing else may race. */
const histogram: Omit<Case, 'name' | 'threads'> = {
  words: AT + HistogramStripes.words(SHAPE),
  allowRaces(index) {
    const word = index < AT ? -1 : (index - AT) % STRIPE;
    return word === LOW || word === LOW + 1;
  },
};

/** When all is over, it holds one of these. */
const holds =
  (...readings: Reading[]) =>
  ({ words }: World): void => {
    const name = nameOfSnapshot(histogramOf(words).snapshot());
    ensure(namesOf(readings).has(name), `It holds ${name}`);
  };

describe('a histogram', () => {
  const [first, second] = [
    [1.5, 1.25],
    [0.5, 1.75],
  ];

  test('tells of each value that was counted, within extremes that take it in', () => {
    for (const values of [first, second, [1.25, 0.75, 1.5]]) {
      const may = namesOf(during(plain(values)));
      expectNoFault({
        ...histogram,
        threads: [records(values), looks(2, ofOne, may)],
        check: holds(whole(plain(values))),
      });
    }
  });

  test('loses no value of threads that record at a time', () => {
    const [one, other] = [plain(first), plain(second)];
    const pairs = during(one).flatMap((a) => during(other).map((b) => [a, b] as const));
    const reads = [
      [ofBoth, namesOf(pairs.map(([a, b]) => together(a, b)))],
      [merged, namesOf(pairs.map(([a, b]) => together(told(a), told(b))))],
    ] as const;
    for (const [read, may] of reads) {
      expectNoFault({
        ...histogram,
        threads: [records(first), records(second), looks(1, read, may)],
        check: holds(together(whole(one), whole(other))),
        mode: within(2),
      });
    }
  });

  test('is as its thread left it when that dies, at any step, and the next one goes on', () => {
    const next = [1.25];
    for (const values of [first, second]) {
      // Died over one of them, which is counted or not, or over none.
      const lives = values.map((value, i) => [
        ...plain(values.slice(0, i)),
        { value, lost: true },
        ...plain(next),
      ]);
      const cuts = values.map((_, i) => plain([...values.slice(0, i), ...next]));
      const swept = [...lives, ...cuts, plain([...values, ...next])];
      expectNoFault({
        ...histogram,
        kills: 1,
        sweep: ({ words, thread }: ThreadContext) => {
          if (idOf(thread) !== ONE) return;
          const recorder = histogramOf(words).recorder(ONE);
          for (const value of next) recorder.record(value);
        },
        threads: [records(values), looks(2, ofOne, namesOf(swept.flatMap(during)))],
        check: (world) =>
          holds(...(world.killed.includes(0) ? swept : [plain(values)]).map(whole))(world),
      });
    }
  });
});

describe('a bucket of a histogram', () => {
  /** Thread 1 has counted the value 1 as often as one word can count, for the n-th time. */
  const full = (carries: number): Omit<Case, 'name' | 'threads'> => ({
    ...histogram,
    setup({ words }) {
      histogramOf(words).recorder(ONE).record(1);
      const at = AT + ONE * STRIPE + LOW + 1;
      words[at] = (carries << 31) | (RANGE - 1);
      words[at + 2] = carries;
    },
  });
  const counts = (carries: number, ...more: number[]): Set<string> =>
    new Set(more.map((n) => `0 + ${(carries + 1) * RANGE - 1 + n} values from 1 to 1`));

  test('goes neither back nor too far while it takes a second word', () => {
    for (const carries of [0, 1]) {
      const look = looks(2, ofOne, counts(carries, 0, 1, 2));
      expectNoFault({ ...full(carries), threads: [records([1, 1]), look] });
      expectNoFault({ ...full(carries), threads: [records([1, 1]), look, look], mode: within(2) });
    }
  });

  test('is right when its thread dies over that, at any step, and the next one goes on', () => {
    for (const carries of [0, 1]) {
      const look = looks(2, ofOne, counts(carries, 0, 1, 2));
      expectNoFault({
        ...full(carries),
        kills: 1,
        sweep: (context: ThreadContext) => {
          if (idOf(context.thread) === ONE) records([1])(context);
        },
        threads: [records([1]), look],
        check: ({ words, killed }) => {
          const name = nameOfSnapshot(histogramOf(words).snapshot());
          const may = killed.includes(0) ? counts(carries, 1, 2) : counts(carries, 1);
          ensure(may.has(name), `It holds ${name}`);
        },
      });
    }
  });
});
