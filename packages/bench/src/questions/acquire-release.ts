/** What does a slice cost, from acquire to release, when its memory is warm? */
import { Bench } from 'tinybench';
import { BufferPools } from '@millrace/core';
import { collectGarbage } from '../measure/collect-garbage.js';
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { median, ratiosOf } from '../measure/statistics.js';
import { sizeText } from '../measure/text.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const PAGE_BYTES = 4 * KiB;
const SIZES = [4 * KiB, 64 * KiB, 256 * KiB];
/** Shared memory is freed by the next garbage collection only: no batch makes more than this. */
const MOST_BYTES_A_BATCH = 32 * MiB;
const OURS_A_BATCH = 100_000;

const EXCHANGE = 'Atomics.compareExchange';

/** What batches leave behind, so that no compiler finds that they do nothing. */
const kept: { buffer?: SharedArrayBuffer; sum: number } = { sum: 0 };

export const acquireRelease: Question = {
  name: 'acquire-release',
  title: 'acquire-release: a warm slice, leased and returned, on one thread',
  asks: 'How much less does a slice cost than a SharedArrayBuffer of its own, and how much more than one atomic?',

  async run({ quick, rounds = quick ? 1 : 9, say }: Settings): Promise<Answer> {
    const samples = quick ? 2 : 20;
    const pools = BufferPools.create({ memory: 64 * MiB }, 0);
    const contenders = [
      contender({ name: EXCHANGE, samples, count: OURS_A_BATCH, batch: exchanges() }),
      ...SIZES.flatMap((size) => contendersOf(size, pools, samples)),
    ];
    const pairs = SIZES.map((size) => pair(size, pools, samples));
    const measured = await inRounds([...contenders, ...pairs], { rounds, warmUp: true, say });
    return {
      ratios: SIZES.flatMap((size) => ratioRows(measured, size)),
      figures: contenders.map(({ name }) => ({
        what: name,
        unit: 'ns' as const,
        values: measured.of(name),
      })),
      notes: [
        'written: one byte in every page of 4 KiB',
        'garbage that SharedArrayBuffers leave is collected between batches, at no charge; so malloc hands them the same memory again, mapped already',
      ],
    };
  },
};

function contendersOf(size: number, pools: BufferPools, samples: number): Contender<number>[] {
  const lasting = { samples, count: OURS_A_BATCH };
  const wasting = {
    samples,
    count: Math.min(1000, MOST_BYTES_A_BATCH / size),
    beforeEach: collectGarbage,
  };
  return [
    contender({
      ...lasting,
      name: ours(size),
      batch(count) {
        for (let i = 0; i < count; i++) pools.acquire(size).release();
      },
    }),
    contender({
      ...wasting,
      name: theirs(size),
      batch(count) {
        for (let i = 0; i < count; i++) kept.buffer = new SharedArrayBuffer(size);
      },
    }),
    contender({
      ...lasting,
      name: written(ours(size)),
      count: lasting.count / 10,
      batch(count) {
        for (let i = 0; i < count; i++) {
          const slice = pools.acquire(size);
          writePages(slice.bytes, i);
          slice.release();
        }
      },
    }),
    contender({
      ...wasting,
      name: written(theirs(size)),
      batch(count) {
        for (let i = 0; i < count; i++) {
          kept.buffer = new SharedArrayBuffer(size);
          writePages(new Uint8Array(kept.buffer), i);
        }
      },
    }),
  ];
}

/**
 * How many times as long as the atomic a lease takes. Batches of the two take turns: some machines change their pace
 * within milliseconds.
 */
function pair(size: number, pools: BufferPools, samples: number): Contender<number> {
  const exchange = exchanges();
  const timed = (batch: (count: number) => void): number => {
    const startedAt = performance.now();
    batch(OURS_A_BATCH);
    return performance.now() - startedAt;
  };
  const lease = (count: number): void => {
    for (let i = 0; i < count; i++) pools.acquire(size).release();
  };
  return {
    name: perExchange(size),
    run: async () => median(Array.from({ length: samples }, () => timed(lease) / timed(exchange))),
  };
}

interface Batches {
  readonly name: string;
  /** How many batches are measured. */
  readonly samples: number;
  /** How many calls make a batch. */
  readonly count: number;
  readonly batch: (count: number) => void;
  /** Called before each batch, at no charge. */
  readonly beforeEach?: () => void;
}

/** ns for one call. A batch is measured as a whole: a call is shorter than a look at the clock. */
function contender({ name, samples, count, batch, beforeEach }: Batches): Contender<number> {
  return {
    name,
    async run() {
      const bench = new Bench({ time: 0, iterations: samples, warmup: false, throws: true });
      const timed = (): { overriddenDuration: number; overriddenIterationCost: number } => {
        const startedAt = bench.now();
        batch(count);
        const elapsed = bench.now() - startedAt;
        return { overriddenDuration: elapsed / count, overriddenIterationCost: elapsed };
      };
      bench.add(name, timed, beforeEach ? { beforeEach } : {});
      const [task] = await bench.run();
      if (task?.result.state !== 'completed') throw new Error(`"${name}" was not measured`);
      return task.result.latency.p50 * 1e6;
    },
  };
}

/** One word, which nobody else touches, swung to and fro. */
function exchanges(): (count: number) => void {
  const words = new Int32Array(new SharedArrayBuffer(4));
  return (count) => {
    let won = 0;
    for (let i = 0; i < count; i++) won += Atomics.compareExchange(words, 0, i & 1, ~i & 1);
    kept.sum += won;
  };
}

function writePages(bytes: Uint8Array, value: number): void {
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) bytes[at] = value;
}

function ratioRows(measured: Rounds<number>, size: number): Row[] {
  const ratio = (above: string, below: string, aim?: string): Row => ({
    what: `${above} / ${below}`,
    unit: '×',
    values: ratiosOf(measured.of(above), measured.of(below)),
    ...(aim && { aim }),
  });
  const aims = size === 256 * KiB ? { untouched: '≥ 50×', written: '≥ 6×' } : undefined;
  return [
    { what: perExchange(size), unit: '×', values: measured.of(perExchange(size)), aim: '≤ 4×' },
    ratio(theirs(size), ours(size), aims?.untouched),
    ratio(written(theirs(size)), written(ours(size)), aims?.written),
  ];
}

function ours(size: number): string {
  return `slice of ${sizeText(size)}`;
}

function perExchange(size: number): string {
  return `${ours(size)} / ${EXCHANGE}`;
}

function theirs(size: number): string {
  return `SharedArrayBuffer of ${sizeText(size)}`;
}

function written(name: string): string {
  return `${name}, written`;
}
