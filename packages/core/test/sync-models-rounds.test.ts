/** What threads do together, or one for all, against plain models: tasks come, give up, fail and die. */
import { Barrier, Once, type BarrierPass, type LockOutcome, type ThreadId } from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Wait, abortAll, oneTurn } from './sync-waits.ts';
import { sharedWords } from './threads.ts';

const RUNS = 1000;
const THREADS = [1, 2, 3] as ThreadId[];
const thread = fc.constantFrom(...THREADS);

test('a barrier opens when all who are left have come, with one leader, however often', async () => {
  const step = fc.record({
    action: fc.constantFrom('arrive', 'arrive', 'arrive', 'abort', 'die'),
    thread,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const words = sharedWords(Barrier.WORDS);
      Barrier.init(words, 0, THREADS.length);
      const barriers = THREADS.map((each) => new Barrier(words, 0, each));
      const lost = new Set<ThreadId>();
      const inside = new Map<ThreadId, Wait<BarrierPass>>();
      let generation = 0;
      const open = async (): Promise<void> => {
        if (inside.size === 0 || inside.size < THREADS.length - lost.size) return;
        const passes = await Promise.all([...inside.values()].map(({ ended }) => ended));
        const leaders = passes.map((pass) => 'value' in pass && pass.value.leader);
        expect(passes).toEqual(
          leaders.map((leader) => ({ value: { generation, leader, lost: lost.size } })),
        );
        expect(leaders.filter(Boolean).length).toBe(1);
        inside.clear();
        generation++;
      };
      for (const { action, thread: me } of steps) {
        const barrier = barriers[me - 1]!;
        const mine = inside.get(me);
        if (action === 'arrive' && mine) {
          await expect(barrier.waitAsync()).rejects.toMatchObject({ code: 'ERR_DEADLOCK' });
        } else if (action === 'arrive') {
          // A lost party's place is taken by who comes with its id.
          lost.delete(me);
          inside.set(me, new Wait((limits) => barrier.waitAsync(limits)));
        } else if (action === 'abort' && mine) {
          expect(await mine.abort()).toEqual({ code: 'ERR_ABORTED' });
          inside.delete(me);
        } else if (action === 'die' && !mine) {
          // One that was never there cannot be lost.
          const known = barrier.stats();
          barriers[me % THREADS.length]!.reclaim(me);
          if (barrier.stats().lost.length > known.lost.length) lost.add(me);
        }
        await open();
        const stats = barrier.stats();
        expect([stats.generation, new Set(stats.arrived), new Set(stats.lost)]).toEqual([
          generation,
          new Set(inside.keys()),
          lost,
        ]);
      }
      await oneTurn();
      expect([...inside.values()].filter(({ outcome }) => outcome !== undefined)).toEqual([]);
      await abortAll(inside.values());
    }),
    { numRuns: RUNS },
  );
});

test('once runs by one at a time until it is done, and tells who comes after a death', async () => {
  const step = fc.record({
    action: fc.constantFrom('run', 'run', 'run', 'finish', 'fail', 'fail', 'die'),
    thread,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const words = sharedWords(Once.WORDS);
      const onces = new Map(THREADS.map((each) => [each, new Once(words, 0, each)]));
      interface Runner {
        readonly thread: ThreadId;
        readonly found: LockOutcome;
        end(error?: Error): void;
      }
      let runner: Runner | undefined;
      let [done, abandoned] = [false, false];
      let waits: { thread: ThreadId; wait: Wait<boolean> }[] = [];
      let begun = (): void => {};
      /** The next one begins, if there is one, and knows whether the last has died. */
      const next = async (): Promise<void> => {
        runner = undefined;
        if (waits.length === 0) return;
        await new Promise<void>((resolve) => (begun = resolve));
        expect(runner).toMatchObject({ found: abandoned ? 'abandoned' : 'clean' });
      };
      const run = async (me: ThreadId, found: LockOutcome): Promise<void> =>
        new Promise((resolve, reject) => {
          expect(runner).toBe(undefined);
          runner = {
            thread: me,
            found,
            end: (error) => (error ? reject(error) : resolve()),
          };
          begun();
        });

      for (const { action, thread: me } of steps) {
        if (action === 'run') {
          const idle = runner === undefined && !done;
          const found = abandoned ? 'abandoned' : 'clean';
          const once = onces.get(me)!;
          waits.push({ thread: me, wait: new Wait(() => once.runAsync((each) => run(me, each))) });
          if (idle) expect(runner).toMatchObject({ thread: me, found });
          if (done) expect(await waits.pop()!.wait.ended).toEqual({ value: false });
        } else if (runner === undefined) {
          continue;
        } else if (action === 'finish') {
          runner.end();
          const ends = await Promise.all(waits.map(({ wait }) => wait.ended));
          expect(ends.filter((end) => 'value' in end && end.value).length).toBe(1);
          expect(ends.every((end) => 'value' in end)).toBe(true);
          [done, abandoned, runner, waits] = [true, false, undefined, []];
        } else if (action === 'fail') {
          const failing = runner;
          const following =
            waits.length > 1 ? new Promise<void>((resolve) => (begun = resolve)) : undefined;
          runner = undefined;
          failing.end(new Error('failed'));
          const failed = await Promise.race(
            waits.map(async (each) => (await each.wait.ended, each)),
          );
          expect(failed.wait.outcome).toEqual({ code: 'failed' });
          waits = waits.filter((each) => each !== failed);
          await following;
        } else {
          const dead = runner.thread;
          if (waits.filter((each) => each.thread === dead).length > 1) continue;
          waits = waits.filter((each) => each.thread !== dead);
          abandoned = true;
          const following = next();
          onces.get(THREADS[dead % THREADS.length]!)!.reclaim(dead);
          onces.set(dead, new Once(words, 0, dead));
          await following;
        }
        const state = done ? 'done' : runner ? 'running' : abandoned ? 'abandoned' : 'new';
        expect(onces.get(me)!.stats().state).toBe(state);
      }
      while (runner) {
        runner.end();
        await Promise.all(waits.map(({ wait }) => wait.ended));
        runner = undefined;
      }
    }),
    { numRuns: RUNS },
  );
});
