/** Once in every order of its steps, with deaths at each of them. */
import { Once } from '@millrace/core';
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

/** Plain notes: how often it was begun and done. */
const BEGUN = 0;
const DONE = 1;

const onceOf = ({ words, thread }: ThreadContext): Once =>
  new Once(words, AT, idOf(thread), parking);

/** What is to be done once. */
const action =
  (words: Int32Array, fails = false) =>
  (found: string): void => {
    ensure(found === 'abandoned' || words[DONE] === 0, 'It is done again');
    ensure(found === 'abandoned' || words[BEGUN] === 0, 'Nobody told that it was left half done');
    if (fails) throw Object.assign(new Error('It fails'), { code: 'FAILS' });
    words[BEGUN] = 1;
    words[DONE] = 1;
  };

const runs =
  (limits?: typeof SOMETIME): ThreadBody =>
  (context) => {
    const { words } = context;
    const once = onceOf(context);
    let ran = false;
    if (endsWith('ERR_TIMEOUT', () => (ran = once.run(action(words), limits)))) return false;
    ensure(words[DONE] === 1, 'It goes on before it is done');
    return ran;
  };

const fails: ThreadBody = (context) => {
  endsWith('FAILS', () => onceOf(context).run(action(context.words, true)));
  return false;
};

const sweep = ({ words, thread }: ThreadContext): void => {
  new Once(words, AT, sweeperOf(thread), parking).reclaim(idOf(thread));
};

function wasDoneOnce({ words, results, killed }: World): void {
  const { state, waiting } = new Once(words, AT, OBSERVER).stats();
  ensure(waiting.length === 0, `${waiting.length} wait`);
  if (killed.length > 0) return;
  const runners = results.filter(Boolean).length;
  ensure(state === 'done' && runners === 1, `${runners} have run it, and it is ${state}`);
}

const once: Omit<Case, 'name' | 'threads'> = { words: AT + Once.WORDS, check: wasDoneOnce };

describe('once', () => {
  test('one of three does it, and none goes on before it is done', () => {
    expectNoFault({ ...once, threads: [runs(), runs(), runs()], mode: within(3) });
    expectNoFault({ ...once, threads: [runs(), runs()] });
  });

  test('those who wait take over from one who fails', () => {
    expectNoFault({ ...once, threads: [runs(), fails] });
    expectNoFault({ ...once, threads: [runs(), fails, runs()], mode: within(3) });
  });

  test('some give up, and the others go on', () => {
    expectNoFault({ ...once, threads: [runs(), runs(SOMETIME), runs()], mode: within(2) });
  });

  test('one who dies over it, at any step, leaves it to the next, who is told', () => {
    expectNoFault({ ...once, kills: 1, sweep, threads: [runs(), runs()] });
    expectNoFault({ ...once, kills: 1, sweep, threads: [runs(), runs(), runs()], mode: within(2) });
  });
});
