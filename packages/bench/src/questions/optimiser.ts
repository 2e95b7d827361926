/** Does the optimiser find by itself what a person who knows the load would set? */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import {
  BufferManager,
  BufferPools,
  type BufferManagerConfig,
  type ManagedBuffer,
} from '@millrace/core';
import {
  BufferOptimizer,
  DEFAULT_COSTS,
  PerformanceEvaluator,
  steadyTrace,
  type BufferRun,
  type JournalEntry,
  type TraceEvent,
} from '@millrace/observe';
import { linePlot } from '../measure/line-plot.js';
import { repositoryRoot } from '../measure/repository.js';
import type { Answer, Question, Settings } from '../question.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const MEMORY = 256 * MiB;
const OWNER = 0;

const DURATION_MS = 60_000;
const PERIODS = 20;
const RATE = 2000;
const HELD_MS = 20;
/** Of each buffer so many bytes are written. */
const WRITTEN = 4 * KiB;
/** What the last part of the time is, in which all should be well. */
const LAST = 1 / 3;
const ENOUGH_HITS = 0.98;
const MUCH_WORSE = -0.05;

/** For most gets pools that are ten times too small, and classes that fit badly. */
const MISTUNED: BufferManagerConfig = {
  allocationStrategy: 'pooled',
  maxPoolSize: 4,
  bufferSizes: { small: 16 * KiB, medium: 256 * KiB, large: MiB, huge: 4 * MiB },
};
/**
 * What is known of the load: 70 % up to 4 KiB, 20 % up to 64 KiB, 4.5 % each up to 256 KiB and up to 1 MiB, and 1 % above, which is too
 * seldom for a stock. So of each class λW are in use, by Little's law, and 2.33 √(λW) more in 1 % of the time.
 */
const BY_HAND: BufferManagerConfig = {
  allocationStrategy: 'pooled',
  bufferSizes: { small: 4 * KiB, medium: 64 * KiB, large: 256 * KiB, huge: MiB },
  pools: {
    small: { maxSize: stockFor(0.7), growthFactor: 1 },
    medium: { maxSize: stockFor(0.2), growthFactor: 1 },
    large: { maxSize: stockFor(0.045), growthFactor: 1 },
    huge: { maxSize: stockFor(0.045), growthFactor: 1 },
  },
};

const evaluator = new PerformanceEvaluator();

export const optimiser: Question = {
  name: 'optimiser',
  title: 'optimiser: a mis-tuned manager, left to itself',
  asks: 'What does the optimiser make of pools ten times too small and classes that fit badly, under load, within a minute?',

  async run({ quick, rounds = 1, say }: Settings): Promise<Answer> {
    const durationMs = quick ? 2000 : DURATION_MS;
    const played: Played[] = [];
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: ${durationMs / 1000} s of load on three managers`);
      played.push(await play(durationMs, round));
    }
    const plot = await written(played[0]!, quick ? 'optimiser-quick.svg' : 'optimiser.svg');
    const of = (figure: (one: Played) => number): number[] => played.map(figure);
    return {
      ratios: [
        {
          what: 'hit rate, tuned',
          unit: '%',
          values: of(({ tuned }) => 100 * lastHits(tuned)),
          aim: '≥ 98 %',
        },
        {
          what: 'mean memory, tuned / by hand',
          unit: '×',
          values: of(({ tuned, byHand }) => lastMemory(tuned) / lastMemory(byHand)),
          aim: '≤ 1.3×',
        },
        {
          what: 'longest time much worse than untuned / a period',
          unit: '×',
          values: of(longestWorse),
          aim: '≤ 1×',
        },
      ],
      figures: [
        {
          what: 'hit rate, untuned',
          unit: '%',
          values: of(({ untuned }) => 100 * lastHits(untuned)),
        },
        {
          what: 'hit rate, by hand',
          unit: '%',
          values: of(({ byHand }) => 100 * lastHits(byHand)),
        },
        {
          what: 'mean memory, untuned',
          unit: 'MB',
          values: of(({ untuned }) => lastMemory(untuned) / 1e6),
        },
        {
          what: 'mean memory, tuned',
          unit: 'MB',
          values: of(({ tuned }) => lastMemory(tuned) / 1e6),
        },
        {
          what: 'mean memory, by hand',
          unit: 'MB',
          values: of(({ byHand }) => lastMemory(byHand) / 1e6),
        },
        {
          what: 'time until 98 % of a period were hits',
          unit: 's',
          values: of(secondsUntilEnough),
        },
      ],
      notes: [
        `${RATE} gets a second, held for ${HELD_MS} ms on average, all three in the same turns of one thread`,
        `hit rates and memory over the last third; ${PERIODS} periods`,
        'much worse: a score of less than −0.05 over the untuned manager, in the same period',
        `the plot: ${plot}`,
      ],
    };
  },
};

interface Played {
  readonly periodMs: number;
  readonly untuned: readonly BufferRun[];
  readonly tuned: readonly BufferRun[];
  readonly byHand: readonly BufferRun[];
  readonly journal: readonly JournalEntry[];
  readonly startMs: number;
}

/** The same load on all three, in real time. */
async function play(durationMs: number, seed: number): Promise<Played> {
  const periodMs = durationMs / PERIODS;
  const tuned = new Watched({ ...MISTUNED, enableOptimization: true });
  const untuned = new Watched(MISTUNED);
  const byHand = new Watched(BY_HAND);
  const all = [tuned, untuned, byHand];
  const optimizer = new BufferOptimizer(tuned.manager, { memoryBytes: MEMORY });
  tuned.tell(optimizer);
  const startMs = performance.timeOrigin + performance.now();
  const offMs = performance.now();
  let periodEndsMs = periodMs;
  for (const event of steadyTrace({ durationMs, ratePerSecond: RATE, meanHeldMs: HELD_MS, seed })) {
    if (event.timestampMs >= durationMs) break;
    while (event.timestampMs >= periodEndsMs) {
      for (const watched of all) watched.endPeriod();
      // While it looks, the load goes on.
      void optimizer.step();
      periodEndsMs += periodMs;
    }
    const earlyMs = event.timestampMs - (performance.now() - offMs);
    await (earlyMs > 1 ? sleep(earlyMs) : event.id % 16 === 0 && turn());
    for (const watched of all) watched.play(event);
  }
  for (const watched of all) watched.endPeriod();
  await optimizer.step();
  return {
    periodMs,
    tuned: tuned.periods,
    untuned: untuned.periods,
    byHand: byHand.periods,
    journal: optimizer.journal,
    startMs,
  };
}

/** A manager over pools of its own, and what it did in each period. */
class Watched {
  readonly manager: BufferManager;
  readonly periods: BufferRun[] = [];
  readonly #held = new Map<number, ManagedBuffer>();
  #optimizer: BufferOptimizer | undefined;
  #gets = 0;
  #hits = 0;
  #made = 0;
  #serviceMs = 0;
  #byteMs = 0;
  #peak = 0;
  #sinceMs = performance.now();
  #lastMs = this.#sinceMs;
  readonly #new = new Set<number>();

  constructor(config: BufferManagerConfig) {
    this.manager = new BufferManager(BufferPools.create({ memory: MEMORY }, OWNER), config);
    this.manager.onEvent((event) => {
      this.#optimizer?.collectEvent(event);
      if (event.eventType === 'allocated') {
        this.#made++;
        this.#new.add(event.bufferId);
        this.#serviceMs += DEFAULT_COSTS.makeMs(event.size, false);
      } else if (event.eventType === 'retrieved') {
        this.#gets++;
        if (!this.#new.has(event.bufferId)) this.#hits++;
        this.#new.clear();
        this.#serviceMs += DEFAULT_COSTS.hitMs;
      }
    });
  }

  tell(optimizer: BufferOptimizer): void {
    this.#optimizer = optimizer;
  }

  play({ type, id, size }: TraceEvent): void {
    const now = performance.now();
    const { totalMemoryUsage } = this.manager.metrics();
    this.#byteMs += totalMemoryUsage * (now - this.#lastMs);
    if (totalMemoryUsage > this.#peak) this.#peak = totalMemoryUsage;
    this.#lastMs = now;
    if (type === 'retrieved') {
      const buffer = this.manager.getBuffer(size);
      buffer.bytes.fill(id, 0, Math.min(size, WRITTEN));
      this.#held.set(id, buffer);
    } else {
      this.#held.get(id)?.release();
      this.#held.delete(id);
    }
  }

  endPeriod(): void {
    const durationMs = this.#lastMs - this.#sinceMs;
    const [gets, hits] = [this.#gets, this.#hits];
    const meanLatencyMs = gets === 0 ? 0 : this.#serviceMs / gets;
    this.periods.push({
      durationMs,
      gets,
      hits,
      hitRate: gets === 0 ? 1 : hits / gets,
      failed: 0,
      made: this.#made,
      peakMemory: this.#peak,
      meanMemory: durationMs === 0 ? 0 : this.#byteMs / durationMs,
      waits: 0,
      waitedMs: 0,
      longestWaitMs: 0,
      meanLatencyMs,
      p99LatencyMs: meanLatencyMs,
      throughput: meanLatencyMs === 0 ? 0 : 1000 / meanLatencyMs,
    });
    this.#gets = 0;
    this.#hits = 0;
    this.#made = 0;
    this.#serviceMs = 0;
    this.#byteMs = 0;
    this.#peak = 0;
    this.#sinceMs = this.#lastMs;
  }
}

function stockFor(share: number): number {
  const inUse = (share * RATE * HELD_MS) / 1000;
  return Math.ceil(inUse + 2.33 * Math.sqrt(inUse));
}

function lastOf(runs: readonly BufferRun[]): readonly BufferRun[] {
  return runs.slice(-Math.ceil(PERIODS * LAST));
}

function lastHits(runs: readonly BufferRun[]): number {
  const last = lastOf(runs);
  const sum = (of: (run: BufferRun) => number): number =>
    last.reduce((all, run) => all + of(run), 0);
  return (
    sum(({ hits }) => hits) /
    Math.max(
      1,
      sum(({ gets }) => gets),
    )
  );
}

function lastMemory(runs: readonly BufferRun[]): number {
  const last = lastOf(runs);
  return last.reduce((sum, { meanMemory }) => sum + meanMemory, 0) / last.length;
}

/** In periods. */
function longestWorse({ tuned, untuned }: Played): number {
  let longest = 0;
  let now = 0;
  for (const [index, run] of tuned.entries()) {
    const { overallScore } = evaluator.compare(untuned[index]!, run);
    now = overallScore < MUCH_WORSE ? now + 1 : 0;
    longest = Math.max(longest, now);
  }
  return longest;
}

/** The first period's end with so many hits; `NaN` when there is none. */
function secondsUntilEnough({ tuned, periodMs }: Played): number {
  const first = tuned.findIndex(({ hitRate }) => hitRate >= ENOUGH_HITS);
  return first < 0 ? Number.NaN : ((first + 1) * periodMs) / 1000;
}

/** @returns the path of the plot, from the root of the repository */
async function written(of: Played, name: string): Promise<string> {
  const { untuned, tuned, byHand, periodMs, journal, startMs } = of;
  const lines = (figure: (run: BufferRun) => number) => [
    { name: 'untuned', color: '#c0392b', values: untuned.map(figure) },
    { name: 'by hand', color: '#2980b9', values: byHand.map(figure) },
    { name: 'tuned by the optimiser', color: '#27ae60', values: tuned.map(figure) },
  ];
  const marks = journal
    .filter(({ outcome }) => outcome === 'applied' || outcome === 'rolled-back')
    .map(({ atMs, outcome, result }) => ({
      atMs: atMs - startMs,
      text: `${result?.strategyName ?? ''} ${outcome}`,
    }));
  const svg = linePlot(
    'A mis-tuned manager, left to the optimiser',
    [
      { title: 'hit rate', lines: lines(({ hitRate }) => hitRate), least: 0.8 },
      { title: 'mean memory, MB', lines: lines(({ meanMemory }) => meanMemory / 1e6) },
    ],
    periodMs,
    marks,
  );
  const path = join('.reports', 'bench', name);
  await mkdir(join(repositoryRoot, '.reports', 'bench'), { recursive: true });
  await writeFile(join(repositoryRoot, path), svg);
  return path;
}
