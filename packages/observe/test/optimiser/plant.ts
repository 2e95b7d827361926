/** A manager over real pools, with an optimiser, on a clock that a trace moves on. */
import {
  BufferManager,
  BufferPools,
  type BufferManagerConfig,
  type ManagedBuffer,
} from '@millrace/core';
import {
  BufferOptimizer,
  PerformanceEvaluator,
  type BufferOptimizerOptions,
  type BufferRun,
  type JournalEntry,
  type TraceEvent,
} from '@millrace/observe';

const OWNER = 0;
const MEMORY = 512 * 1024 * 1024;

export interface PeriodFigures {
  readonly hitRate: number;
  readonly meanMemory: number;
}

export class Plant {
  nowMs = 0;
  readonly manager: BufferManager;
  readonly optimizer: BufferOptimizer;
  readonly periods: PeriodFigures[] = [];
  readonly entries: JournalEntry[] = [];
  readonly #held = new Map<number, ManagedBuffer>();
  #gets = 0;
  #hits = 0;
  #byteMs = 0;
  readonly #made = new Set<number>();

  constructor(config: BufferManagerConfig, options: BufferOptimizerOptions = {}) {
    const nowMs = (): number => this.nowMs;
    const pools = BufferPools.create({ memory: MEMORY }, OWNER);
    this.manager = new BufferManager(pools, { enableOptimization: true, ...config }, { nowMs });
    this.optimizer = new BufferOptimizer(this.manager, {
      nowMs,
      memoryBytes: MEMORY,
      onEntry: (entry) => this.entries.push(entry),
      ...options,
    });
    this.manager.onEvent((event) => {
      this.optimizer.collectEvent(event);
      if (event.eventType === 'allocated') this.#made.add(event.bufferId);
      if (event.eventType !== 'retrieved') return;
      this.#gets++;
      if (!this.#made.has(event.bufferId)) this.#hits++;
      this.#made.clear();
    });
  }

  /** Gets and returns what the trace says, and lets the optimiser take a step at the end of each period. */
  async play(trace: Iterable<TraceEvent>, periodMs: number): Promise<void> {
    let endMs = this.nowMs + periodMs;
    for (const { timestampMs, type, id, size } of trace) {
      while (timestampMs >= endMs) {
        this.#goTo(endMs);
        await this.#endPeriod(periodMs);
        endMs += periodMs;
      }
      this.#goTo(timestampMs);
      if (type === 'retrieved') this.#held.set(id, this.manager.getBuffer(size));
      else if (type === 'returned') {
        this.#held.get(id)?.release();
        this.#held.delete(id);
      }
    }
  }

  outcomes(): string[] {
    return this.entries.map(({ outcome, result }) => `${outcome} ${result?.strategyName}`);
  }

  #goTo(ms: number): void {
    this.#byteMs += this.manager.metrics().totalMemoryUsage * (ms - this.nowMs);
    this.nowMs = ms;
  }

  async #endPeriod(periodMs: number): Promise<void> {
    this.periods.push({
      hitRate: this.#gets === 0 ? 1 : this.#hits / this.#gets,
      meanMemory: this.#byteMs / periodMs,
    });
    this.#gets = 0;
    this.#hits = 0;
    this.#byteMs = 0;
    await this.optimizer.step();
  }
}

const evaluator = new PerformanceEvaluator();

/** What one period scores over another, by memory and hits alone. */
export function scoreOver(before: PeriodFigures, after: PeriodFigures): number {
  const runOf = ({ hitRate, meanMemory }: PeriodFigures): BufferRun => ({
    durationMs: 1,
    gets: 1,
    hits: hitRate,
    hitRate,
    failed: 0,
    made: 1 - hitRate,
    peakMemory: meanMemory,
    meanMemory,
    waits: 0,
    waitedMs: 0,
    longestWaitMs: 0,
    meanLatencyMs: 1,
    p99LatencyMs: 1,
    throughput: 1,
  });
  return evaluator.compare(runOf(before), runOf(after)).overallScore;
}
