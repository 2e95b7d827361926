/** The barrier: rounds, leaders, giving up, and parties that die. */
import { Barrier, type ThreadId } from '@millrace/core';
import { expect, test } from 'vitest';
import { codeOfRejection, runJob, until } from './sync-threads.ts';
import { sharedWords } from './threads.ts';
import { codeOf } from './thrown.ts';

function views(parties: number): { words: Int32Array; as: (thread: number) => Barrier } {
  const words = sharedWords(Barrier.WORDS);
  Barrier.init(words, 0, parties);
  const made = new Map<number, Barrier>();
  return {
    words,
    as(thread) {
      let view = made.get(thread);
      if (!view) made.set(thread, (view = new Barrier(words, 0, thread as ThreadId)));
      return view;
    },
  };
}

test('all pass together, one of them as leader, and the next round begins', async () => {
  const { as } = views(3);
  for (let round = 0; round < 5; round++) {
    const early = [as(1).waitAsync(), as(2).waitAsync()];
    expect(as(1).stats()).toMatchObject({ generation: round, arrived: [1, 2], waiting: [1, 2] });
    const passes = [as(3).wait(), ...(await Promise.all(early))];
    expect(passes.map(({ generation }) => generation)).toEqual([round, round, round]);
    expect(passes.filter(({ leader }) => leader).length).toBe(1);
  }
  expect(as(1).stats()).toMatchObject({ arrived: [], lost: [], waiting: [] });
});

test('who gives up has not arrived', async () => {
  const { as } = views(2);
  expect(codeOf(() => as(1).wait({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(await codeOfRejection(as(1).waitAsync({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(codeOf(() => as(2).wait({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  const first = as(1).waitAsync();
  expect(as(2).wait()).toEqual({ generation: 0, leader: true, lost: 0 });
  expect(await first).toEqual({ generation: 0, leader: false, lost: 0 });
});

test('who gives up after all have arrived has passed', async () => {
  const { as } = views(2);
  const controller = new AbortController();
  const first = as(1).waitAsync({ signal: controller.signal });
  as(2).wait();
  controller.abort();
  expect((await first).generation).toBe(0);
});

test('a thread is one party', async () => {
  const { as } = views(2);
  const first = as(1).waitAsync();
  expect(codeOf(() => as(1).wait())).toBe('ERR_DEADLOCK');
  as(2).wait();
  await first;
});

test('the others go on without a party that died or left, and are told', async () => {
  const { as } = views(3);
  for (const thread of [1, 2, 3]) as(thread).join();
  const passes = [as(1).waitAsync(), as(2).waitAsync()];
  as(9).reclaim(3 as ThreadId);
  as(9).reclaim(3 as ThreadId);
  for (const pass of await Promise.all(passes)) expect(pass).toMatchObject({ lost: 1 });
  const alone = as(1).waitAsync();
  as(2).leave();
  expect(await alone).toEqual({ generation: 1, leader: true, lost: 2 });
  expect(as(9).stats().lost).toEqual([2, 3]);
});

test('a party that dies after it has arrived does not count twice', async () => {
  const { as } = views(3);
  for (const thread of [1, 2, 3]) as(thread).join();
  void as(1).waitAsync();
  as(9).reclaim(1 as ThreadId);
  const second = as(2).waitAsync();
  expect(as(9).stats()).toMatchObject({ generation: 0, arrived: [2], lost: [1] });
  as(3).wait();
  await second;
});

test('a thread that takes the place of a lost one is waited for', async () => {
  const { as, words } = views(2);
  for (const thread of [1, 2]) as(thread).join();
  as(9).reclaim(1 as ThreadId);
  expect(as(2).wait()).toMatchObject({ lost: 1 });
  // One under the dead one's id, then one under an id of its own.
  const heir = new Barrier(words, 0, 1 as ThreadId);
  heir.join();
  expect(codeOf(() => as(2).wait({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  heir.leave();
  as(5).join();
  expect(codeOf(() => as(2).wait({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  const pass = as(5).waitAsync();
  as(2).wait();
  expect(await pass).toMatchObject({ lost: 1 });
});

test('numbers of parties that make no sense are refused', () => {
  const words = sharedWords(Barrier.WORDS);
  for (const parties of [0, 128, 1.5]) {
    expect(codeOf(() => Barrier.init(words, 0, parties))).toBe('ERR_INVALID_ARG');
  }
});

test('threads in rounds see that all others have arrived, and one leads each round', async () => {
  const parties = [1, 2, 3, 4];
  const { words, as } = views(parties.length);
  const arrivals = sharedWords(8);
  const times = 1_500;
  const tallies = await Promise.all(
    parties.map(async (thread) =>
      runJob<{ early: number; led: number }>('rounds', { words, arrivals, parties, thread, times }),
    ),
  );
  expect(tallies.map(({ early }) => early)).toEqual([0, 0, 0, 0]);
  expect(tallies.reduce((sum, { led }) => sum + led, 0)).toBe(times);
  await until(() => as(9).stats().waiting.length === 0);
  expect(as(9).stats()).toMatchObject({ generation: times % 4096, arrived: [], lost: [] });
});
