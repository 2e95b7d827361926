/** What do small tasks feel of a large one beside them? */
import { closeSync, openSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMill, type Mill } from '@millrace/workers';
import { corpus } from '../measure/corpus.js';
import { quantile, ratiosOf } from '../measure/statistics.js';
import { countedGzip, mostAtOnce } from '../peers/counted-gzip-op.js';
import { length } from '../peers/length-op.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const MiB = 2 ** 20;
const THREADS = 2;
const TASKS_PER_SECOND = 1000;
/** So that the main thread gets a processor at once, which is what it is for. */
const NICE = 10;
/** How long small tasks have the mill for themselves, for comparison. */
const ALONE_MS = 5000;

/** Latencies of small tasks in µs. */
interface Felt {
  readonly tasks: number;
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

export const mixedLoad: Question = {
  name: 'mixed-load',
  title: `mixed-load: ${TASKS_PER_SECOND} small tasks a second beside the compression of 1 GiB`,
  asks: 'How much longer does a small task take while a large object is compressed on the same threads?',

  async run({ quick, rounds = 1, say }: Settings): Promise<Answer> {
    const from = await corpus((quick ? 4 : 1024) * MiB);
    await using mill = await createMill({ threads: THREADS, nice: NICE });
    const running = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
    const alone: Felt[] = [];
    const beside: Felt[] = [];
    const mbPerSecond: number[] = [];
    await withSmallTasks(mill, sleep(quick ? 50 : 1000));
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: small tasks alone`);
      alone.push(await withSmallTasks(mill, sleep(quick ? 100 : ALONE_MS)));
      say(`round ${round} of ${rounds}: small tasks beside a large one`);
      const startedAt = performance.now();
      beside.push(await withSmallTasks(mill, compress(mill, from, running)));
      mbPerSecond.push(statSync(from).size / 1e3 / (performance.now() - startedAt));
    }
    return {
      ratios: [
        ratioRow('p99', beside, alone, ({ p99 }) => p99, '≤ 5×'),
        ratioRow('median', beside, alone, ({ median }) => median),
        ratioRow('longest', beside, alone, ({ most }) => most),
      ],
      figures: [
        ...figureRows('beside it', beside),
        ...figureRows('alone', alone),
        { what: 'large object, a second', unit: 'MB', values: mbPerSecond },
      ],
      notes: [
        `the threads are ${NICE} nicer than the main thread; with nice 0 the 99th percentile is how long the scheduler lets a thread run`,
        'small task: from call to result, on the main thread; gzip level 6 of source text and programs, from a file',
        `at most ${mostAtOnce(running)} of ${THREADS} threads were at the large object at one time, as counted by its op`,
        `small tasks: ${alone.map(({ tasks }) => tasks).join(', ')} alone, ${beside.map(({ tasks }) => tasks).join(', ')} beside it`,
      ],
    };
  },
};

async function compress(mill: Mill, from: string, running: Int32Array): Promise<void> {
  const to = openSync(devNull, 'w');
  try {
    await mill.pump({ from, op: countedGzip, params: { running }, to });
  } finally {
    closeSync(to);
  }
}

/** Sends small tasks at an even pace until `work` is done. */
async function withSmallTasks(mill: Mill, work: Promise<void>): Promise<Felt> {
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
  beside: readonly Felt[],
  alone: readonly Felt[],
  pick: (felt: Felt) => number,
  aim?: string,
): Row {
  return {
    what: `small tasks, ${what}: beside a large object / alone`,
    unit: '×',
    values: ratiosOf(beside.map(pick), alone.map(pick)),
    ...(aim && { aim }),
  };
}

function figureRows(when: string, felt: readonly Felt[]): Row[] {
  return [
    { what: `small tasks ${when}, median`, unit: 'µs', values: felt.map(({ median }) => median) },
    { what: `small tasks ${when}, p99`, unit: 'µs', values: felt.map(({ p99 }) => p99) },
    { what: `small tasks ${when}, longest`, unit: 'µs', values: felt.map(({ most }) => most) },
  ];
}
