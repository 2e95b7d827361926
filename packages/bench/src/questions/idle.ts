/** What does a mill cost that has nothing to do? */
import { setTimeout as sleep } from 'node:timers/promises';
import { createMill } from '@millrace/workers';
import { length } from '../peers/length-op.js';
import type { Answer, Question, Settings } from '../question.js';

const THREADS = 2;
const WATCH_MS = 10_000;
/**
 * After work, threads look for more for a while, and 8 s later V8 tidies a heap that has come to rest, whoever runs in it:
 * that is not idleness yet.
 */
const SETTLE_MS = 12_000;
const TASKS = 1000;

export const idle: Question = {
  name: 'idle',
  title: 'idle: a mill with nothing to do',
  asks: 'What share of one core does an idle mill use, after it has been busy?',

  async run({ quick, rounds = 1, say }: Settings): Promise<Answer> {
    const watchMs = quick ? 100 : WATCH_MS;
    const settleMs = quick ? 100 : SETTLE_MS;
    const before: number[] = [];
    const idling: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: no mill`);
      await sleep(settleMs);
      before.push(await shareOfACore(watchMs));

      say(`round ${round} of ${rounds}: an idle mill`);
      await using mill = await createMill({ threads: THREADS });
      for (let i = 0; i < TASKS; i++) await mill.run(length);
      await sleep(settleMs);
      idling.push(await shareOfACore(watchMs));
    }
    return {
      ratios: [
        {
          what: `idle mill, ${THREADS} threads / one core`,
          unit: '%',
          values: idling,
          aim: '≤ 1 %',
        },
      ],
      figures: [{ what: 'the same process before / one core', unit: '%', values: before }],
      notes: [`CPU time of all threads, user and system, over ${watchMs / 1000} s`],
    };
  },
};

/** CPU time that this process uses meanwhile, in percent of one core. */
async function shareOfACore(durationMs: number): Promise<number> {
  const startedAt = performance.now();
  const start = process.cpuUsage();
  await sleep(durationMs);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) / 1000 / (performance.now() - startedAt)) * 100;
}
