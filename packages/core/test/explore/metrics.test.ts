/** Gauges and striped counters in every order of their steps: what is read was said, and nothing goes back. */
import { Gauges } from '@millrace/core';
import { StripedCounters, type ControlLayout } from '@millrace/core/internal';
import type { Case, ThreadBody, ThreadContext } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { AT, ensure, expectNoFault, idOf } from './exploring.ts';

/** Numbers whose two halves all differ, so that a torn one is none of them. */
const said = [0, 1.1, 2 ** 40 + 2.25, -3.3, 4.4e300];
const WRITER = idOf(0);

const gauges: Omit<Case, 'name' | 'threads'> = { words: AT + Gauges.words(1) };

const says =
  (from: number, to: number): ThreadBody =>
  ({ words, thread }) => {
    const gauge = new Gauges(words, AT, 1);
    for (let n = from; n <= to; n++) gauge.setLatest(idOf(thread), 0, said[n]!);
  };

/** Reads some times, and never sees a number that was not said, or one said before that which it saw. */
const looks =
  (times: number, read: (gauge: Gauges) => number): ThreadBody =>
  ({ words }) => {
    const gauge = new Gauges(words, AT, 1);
    let newest = 0;
    for (let i = 0; i < times; i++) {
      const number = read(gauge);
      const nth = said.indexOf(number);
      ensure(nth >= 0, `${number} was never said`);
      ensure(nth >= newest, `${number} was said before ${said[newest]}`);
      newest = nth;
    }
  };

describe('a gauge', () => {
  test('is read whole, though it is written meanwhile', () => {
    const looksAtOne = looks(3, (gauge) => gauge.of(WRITER, 0));
    expectNoFault({ ...gauges, threads: [says(1, 2), looksAtOne] });
    expectNoFault({ ...gauges, threads: [says(1, 4), looksAtOne] });
    expectNoFault({ ...gauges, threads: [says(1, 2), looksAtOne, looksAtOne] });
  });

  test('tells what was set last, whoever set it', () => {
    const looksAtLatest: ThreadBody = ({ words }) => {
      const gauge = new Gauges(words, AT, 1);
      const [before, after] = [gauge.latest(0), gauge.latest(0)];
      ensure(said.includes(before) && said.includes(after), `${before} or ${after} was never said`);
      ensure(before === 0 || after !== 0, 'It is told of a thread that has said nothing yet');
    };
    expectNoFault({ ...gauges, threads: [says(1, 2), says(3, 4), looksAtLatest] });
  });

  test('is whole when its writer dies, at any step, and can be cleared', () => {
    const sweep = ({ words, thread }: ThreadContext): void => {
      const gauge = new Gauges(words, AT, 1);
      ensure(said.includes(gauge.of(idOf(thread), 0)), 'It is torn');
      gauge.clear(idOf(thread));
      ensure(gauge.of(idOf(thread), 0) === 0, 'It is not cleared');
    };
    const looksOn: ThreadBody = ({ words }) => {
      const number = new Gauges(words, AT, 1).of(WRITER, 0);
      ensure(said.includes(number), `${number} was never said`);
    };
    expectNoFault({ ...gauges, kills: 1, sweep, threads: [says(1, 3), looksOn] });
  });
});

/** Where the stripes of one counter lie. */
const layout = { countersAt: AT, stripeWords: 32 } as ControlLayout;
const RANGE = 2 ** 30;

const adds =
  (times: number): ThreadBody =>
  ({ words }) => {
    const counters = new StripedCounters(words, layout);
    for (let i = 0; i < times; i++) counters.add(WRITER, 0, 1);
  };

const watches =
  (times: number, most: number): ThreadBody =>
  ({ words }) => {
    const counters = new StripedCounters(words, layout);
    let newest = RANGE - 1;
    for (let i = 0; i < times; i++) {
      const count = counters.of(WRITER, 0);
      ensure(count >= newest && count <= most, `It counts ${count} after ${newest}`);
      newest = count;
    }
  };

/** It has counted as far as one word goes. Adding is plain, and read meanwhile. */
const counter: Omit<Case, 'name' | 'threads'> = {
  words: AT + 3 * 32,
  setup({ words }) {
    words[new StripedCounters(words, layout).at(WRITER, 0)] = RANGE - 1;
  },
  allowRaces: () => true,
};

describe('a striped counter', () => {
  test('goes neither back nor too far while it takes a second word', () => {
    expectNoFault({ ...counter, threads: [adds(2), watches(3, RANGE + 1)] });
    const watch = watches(2, RANGE + 1);
    expectNoFault({ ...counter, threads: [adds(2), watch, watch] });
  });

  test('is right when a thread dies over it, at any step, and another goes on', () => {
    const sweep: ThreadBody = adds(1);
    expectNoFault({ ...counter, kills: 1, sweep, threads: [adds(1), watches(3, RANGE + 1)] });
  });
});
