/** What do small tasks feel of a large one beside them? */
import { closeSync, openSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMill, type Mill, type MillOptions } from '@millrace/workers';
import { corpus } from '../measure/corpus.js';
import { inRounds, type Rounds } from '../measure/rounds.js';
import { quantile, ratiosOf } from '../measure/statistics.js';
import { countedGzip, mostAtOnce, newCount } from '../peers/counted-gzip-op.js';
import { length } from '../peers/length-op.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const MiB = 2 ** 20;
const THREADS = 2;
const TASKS_PER_SECOND = 1000;
/** How long small tasks have the mill for themselves, for comparison. */
const ALONE_MS = 5000;

/** The mills, by what they are told of niceness. */
const MILLS = [
  { name: 'by default', options: {} },
  // So that the main thread gets a processor at once, which is what it is for.
  { name: 'nice: 10', options: { nice: 10 } },
] as const;

/** For the cap: more threads and more objects than may be worked at. */
const CAP = { threads: 4, objects: 6, most: 2 };

/** Latencies of small tasks in µs. */
interface Felt {
  readonly tasks: number;
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

/** What was felt of a mill in one round. */
interface Round {
  readonly alone: Felt;
  readonly beside: Felt;
  readonly mbPerSecond: number;
}

export const mixedLoad: Question = {
  name: 'mixed-load',
  title: `mixed-load: ${TASKS_PER_SECOND} small tasks a second beside the compression of 1 GiB`,
  asks: 'How much longer does a small task take while a large object is compressed on the same threads?',

  async run({ quick, rounds = 1, say }: Settings): Promise<Answer> {
    const from = await corpus((quick ? 4 : 1024) * MiB);
    const measured = await inRounds<Round>(
      MILLS.map(({ name, options }) => ({ name, run: () => besides(from, options, quick) })),
      { rounds, say },
    );
    say(`${CAP.objects} large objects at once`);
    const part = await corpus((quick ? 4 : 64) * MiB);
    const capped = await mostUnder(CAP.most, part);
    const uncapped = await mostUnder(CAP.objects, part);
    return {
      ratios: MILLS.flatMap(({ name }) => [
        ratioRow('p99', name, measured, ({ p99 }) => p99, '≤ 5×'),
        ratioRow('median', name, measured, ({ median }) => median),
        ratioRow('longest', name, measured, ({ most }) => most),
      ]),
      figures: MILLS.flatMap(({ name }) => figureRows(name, measured)),
      notes: [
        'nice: 10: the threads are that much nicer than the main thread',
        'small task: from call to result, on the main thread; gzip level 6 of source text and programs, from a file',
        `${CAP.objects} large objects at once on ${CAP.threads} threads: at most ${capped} were worked at in the same moment, as counted by their op; the cap was ${CAP.most}. With a cap of ${CAP.objects} it counted ${uncapped}`,
      ],
    };
  },
};

/** Small tasks alone, then beside a large object. */
async function besides(from: string, options: MillOptions, quick: boolean): Promise<Round> {
  await using mill = await createMill({ threads: THREADS, ...options });
  await withSmallTasks(mill, sleep(quick ? 50 : 1000));
  const alone = await withSmallTasks(mill, sleep(quick ? 100 : ALONE_MS));
  const startedAt = performance.now();
  const beside = await withSmallTasks(mill, compress(mill, from, 0, newCount()));
  return {
    alone,
    beside,
    mbPerSecond: statSync(from).size / 1e3 / (performance.now() - startedAt),
  };
}

/** The most large objects that were worked at in the same moment, of several at once beside small tasks. */
async function mostUnder(cap: number, from: string): Promise<number> {
  await using mill = await createMill({ threads: CAP.threads, maxConcurrentLargeOps: cap });
  const count = newCount();
  const objects = Array.from({ length: CAP.objects }, (_, object) => object);
  const all = Promise.all(objects.map((object) => compress(mill, from, object, count)));
  await withSmallTasks(mill, all);
  const most = mostAtOnce(count);
  if (most > cap) {
    throw new RangeError(
      `Cannot hold the cap of ${cap}: ${most} large objects were worked at once`,
    );
  }
  return most;
}

async function compress(
  mill: Mill,
  from: string,
  object: number,
  count: Int32Array,
): Promise<void> {
  const to = openSync(devNull, 'w');
  try {
    await mill.pump({ from, op: countedGzip, params: { count, object }, to });
  } finally {
    closeSync(to);
  }
}

/** Sends small tasks at an even pace until `work` is done. */
async function withSmallTasks(mill: Mill, work: Promise<unknown>): Promise<Felt> {
  const latencies: number[] = [];
  const sent: Promise<void>[] = [];
  const sendOne = async (): Promise<void> => {
    const startedAt = performance.now();
    await mill.run(length);
    latencies.push((performance.now() - startedAt) * 1000);
  };
  const startedAt = performance.now();
  const timer = setInterval(() => {
    // Timers are late now and then; the pace is kept.
    const due = ((performance.now() - startedAt) * TASKS_PER_SECOND) / 1000;
    while (sent.length < due) sent.push(sendOne());
  }, 1);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  await Promise.all(sent);
  return {
    tasks: latencies.length,
    median: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    most: quantile(latencies, 1),
  };
}

function ratioRow(
  what: string,
  mill: string,
  measured: Rounds<Round>,
  pick: (felt: Felt) => number,
  aim?: string,
): Row {
  return {
    what: `small tasks, ${what}: beside a large object / alone, ${mill}`,
    unit: '×',
    values: ratiosOf(
      measured.each(mill, ({ beside }) => pick(beside)),
      measured.each(mill, ({ alone }) => pick(alone)),
    ),
    ...(aim && { aim }),
  };
}

function figureRows(mill: string, measured: Rounds<Round>): Row[] {
  const row = (what: string, pick: (round: Round) => number): Row => ({
    what: `small tasks ${what}, ${mill}`,
    unit: 'µs',
    values: measured.each(mill, pick),
  });
  return [
    row('beside it, median', ({ beside }) => beside.median),
    row('beside it, p99', ({ beside }) => beside.p99),
    row('beside it, longest', ({ beside }) => beside.most),
    row('alone, median', ({ alone }) => alone.median),
    row('alone, p99', ({ alone }) => alone.p99),
    {
      what: `large object, a second, ${mill}`,
      unit: 'MB',
      values: measured.each(mill, ({ mbPerSecond }) => mbPerSecond),
    },
  ];
}
