/** What does it cost a thread that a monitor hears of its buffers: off, sampled, and of every one? */
import { BufferManager, BufferPools } from '@millrace/core';
import { BufferMonitor } from '@millrace/observe';
import { withOwnTime } from '../measure/own-time.js';
import { inRounds, type Contender } from '../measure/rounds.js';
import { median, ratiosOf } from '../measure/statistics.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const BYTES = 4 * KiB;
const A_BATCH = 20_000;
const NEVER_MS = 2 ** 30;

const BARE = 'no monitor';
const OFF = 'monitor off';
const SAMPLED = 'one use in 64';
const SELDOM = 'one use in 256';
const FULL = 'every use';

export const monitor: Question = {
  name: 'monitor',
  title: 'monitor: a managed buffer of 4 KiB, got and returned, while a monitor hears of it',
  asks: 'What does monitoring cost the thread that uses the buffers, sampled and in full?',

  async run({ quick, rounds = quick ? 1 : 25, say }: Settings): Promise<Answer> {
    const batches = quick ? 1 : 7;
    const contenders = [
      contender(BARE, undefined, batches),
      contender(OFF, 0, batches),
      contender(SAMPLED, 64, batches),
      contender(SELDOM, 256, batches),
      contender(FULL, 1, batches),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    const cost = (name: string): number[] => measured.each(name, ({ useNs }) => useNs);
    const ratio = (name: string, aim?: string): Row => ({
      what: `${name} / ${BARE}`,
      unit: '×',
      values: ratiosOf(cost(name), cost(BARE)),
      ...(aim && { aim }),
    });
    return {
      ratios: [ratio(OFF), ratio(SAMPLED, '≤ 1.05×'), ratio(SELDOM, '≤ 1.05×'), ratio(FULL)],
      figures: [
        ...[BARE, OFF, SAMPLED, SELDOM, FULL].map((name) => ({
          what: name,
          unit: 'ns' as const,
          values: cost(name),
        })),
        {
          what: 'reading an event, on the monitor’s thread',
          unit: 'ns' as const,
          values: measured.each(FULL, ({ readNs }) => readNs),
        },
      ],
      notes: [
        'a use: get and release, which is three events when it is told of: retrieved, returned, reset',
        'reading happens between batches and is not part of a use; of the 60,000 events of a batch in full, all but 4096 are written over before',
        'the thread’s own time: what others of a busy machine took is left out',
      ],
    };
  },
};

interface Measured {
  /** One get and its release. */
  readonly useNs: number;
  /** Reading one event; 0 without a monitor. */
  readonly readNs: number;
}

/** @param every one use in so many is told of; 0: the monitor is off; `undefined`: there is none */
function contender(name: string, every: number | undefined, batches: number): Contender<Measured> {
  const manager = new BufferManager(BufferPools.create({ memory: 64 * MiB }, 0));
  const heard = new BufferMonitor({
    threads: 0,
    pollMs: NEVER_MS,
    sampleEvery: every || 1,
  });
  if (every !== undefined) heard.watch(manager);
  if (every) heard.start();
  const use = async (): Promise<void> => {
    for (let n = 0; n < A_BATCH; n++) manager.getBuffer(BYTES).release();
  };
  const poll = async (): Promise<void> => heard.poll();
  return {
    name,
    async run() {
      const uses: number[] = [];
      const reads: number[] = [];
      for (let batch = 0; batch < batches; batch++) {
        const used = await withOwnTime(use);
        const before = heard.stats().read;
        const polled = await withOwnTime(poll);
        uses.push(used.elapsedNs / A_BATCH);
        reads.push(polled.elapsedNs / Math.max(1, heard.stats().read - before));
      }
      return { useNs: median(uses), readNs: median(reads) };
    },
  };
}
