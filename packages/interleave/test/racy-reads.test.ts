/** Plain reads that race on purpose: with `racyReads: 'oldest'` they see what a processor may show them that lets reads overtake writes. */
import { expect, test } from 'vitest';
import { explore, type Case, type ThreadBody } from '@millrace/interleave';
import { errorOf, expectEqual, failureOf } from './failing.js';

const X = 0;
const Y = 1;
const FLAG = 2;

/** All that the threads of a case can return together. */
function outcomesOf(of: Omit<Case, 'name' | 'words'>): string[] {
  const outcomes = new Set<string>();
  explore({
    name: 'outcomes',
    words: 3,
    allowRaces: (index) => index !== FLAG,
    ...of,
    check: ({ results }) => void outcomes.add(results.join(' ')),
  });
  return [...outcomes].sort();
}

const announces =
  (own: number, other: number): ThreadBody =>
  ({ words }) => {
    Atomics.store(words, own, 1);
    return words[other];
  };

test('of two that each store and then look plainly, both may see nothing', () => {
  const threads = [announces(X, Y), announces(Y, X)];
  expect(outcomesOf({ threads })).toEqual(['0 1', '1 0', '1 1']);
  expect(outcomesOf({ threads, racyReads: 'oldest' })).toContain('0 0');
});

test('a write that happens before a read is seen', () => {
  const publishes: ThreadBody = ({ words }) => {
    words[X] = 1;
    words[X] = 2;
    Atomics.store(words, FLAG, 1);
    words[X] = 3;
  };
  const reads: ThreadBody = ({ words }) => `${Atomics.load(words, FLAG)}:${words[X]}`;
  const racyReads = 'oldest';
  expect(outcomesOf({ threads: [publishes, reads], racyReads })).toEqual([' 0:0', ' 1:2']);
});

test('a thread sees what it has written itself', () => {
  const writes: ThreadBody = ({ words }) => void Atomics.store(words, X, 1);
  const own: ThreadBody = ({ words }) => {
    words[X] = 2;
    return words[X];
  };
  const outcomes = outcomesOf({ threads: [writes, own], racyReads: 'oldest' });
  expect(outcomes).not.toContain(' 0');
});

/** One swings a word and looks plainly whether it is wanted; the other wants it, and looks at the word. */
function handover(look: (words: Int32Array) => number): Case {
  return {
    name: 'a hand-over',
    words: 3,
    allowRaces: (index) => index === X,
    racyReads: 'oldest',
    threads: [
      ({ words }) => {
        expectEqual(Atomics.compareExchange(words, FLAG, 0, 1), 0);
        return words[X];
      },
      ({ words }) => {
        Atomics.store(words, X, 1);
        return look(words);
      },
    ],
    check: ({ results: [wanted, free] }) => {
      if (wanted === 0 && free === 0) throw new Error('Neither has seen the other');
    },
  };
}

test('a word that is looked at by an exchange shows what was written before', () => {
  explore(handover((words) => Atomics.or(words, FLAG, 0)));
  const { code } = failureOf(handover((words) => Atomics.load(words, FLAG)));
  expect(code).toBe('ERR_CHECK_FAILED');
  const { message } = errorOf(() => explore(handover((words) => Atomics.load(words, FLAG))));
  expect(message).toContain('Neither has seen the other');
});
