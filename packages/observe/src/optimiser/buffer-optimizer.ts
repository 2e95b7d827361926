/**
 * The optimiser: looks at a manager once a period, and turns its settings when that is sure to gain.
 *
 *   a period's events ──▶ strategies ──▶ simulated on the trace of late ──valid, sure, safe──▶ applied
 *                              ▲                                                                  │
 *                              └── kept, or rolled back ◀── measured over the next period ◀───────┘
 *
 * One change is under way at a time, so that what is measured is what came of it.
 */
import { MillraceError, type BufferEvent, type BufferManager } from '@millrace/core';
import type { BufferRun } from '../simulator/buffer-run.js';
import { DEFAULT_COSTS, type ServeCosts } from '../simulator/serve-costs.js';
import { traceEventOf } from '../trace/trace-event.js';
import { AllocationStrategy } from './allocation-strategy.js';
import { BufferSizeStrategy } from './buffer-size-strategy.js';
import { configOf } from './config-change.js';
import { Evidence } from './evidence.js';
import { Journal, type JournalEntry, type JournalOutcome } from './journal.js';
import { LiveRun } from './live-run.js';
import { RISK_LEVELS, type OptimizationResult, type RiskLevel } from './optimization-result.js';
import type { OptimizationStrategy } from './optimization-strategy.js';
import { PoolSizeStrategy } from './pool-size-strategy.js';
import { RecentTrace } from './recent-trace.js';

export interface BufferOptimizerOptions {
  /** @defaultValue pool-size, buffer-size, allocation */
  readonly strategies?: readonly OptimizationStrategy[] | undefined;
  /** What the manager's pools have, in bytes. @defaultValue Infinity */
  readonly memoryBytes?: number | undefined;
  /** Only says what it would do; so it does as well while the manager's `enableOptimization` is false. @defaultValue false */
  readonly dryRun?: boolean | undefined;
  /** Results with a change of more risk than this are not applied. @defaultValue 'medium' */
  readonly maxRisk?: RiskLevel | undefined;
  /** Results of this confidence or less are not applied; from 0 to 1. @defaultValue 0.8 */
  readonly minConfidence?: number | undefined;
  /** How many events of users are remembered, to be simulated. @defaultValue 10 000 */
  readonly maxTraceEvents?: number | undefined;
  /** What hits and misses cost. @defaultValue `DEFAULT_COSTS` */
  readonly costs?: ServeCosts | undefined;
  /** The manager's clock. @defaultValue milliseconds since 1970, with fractions, as managers have it */
  readonly nowMs?: (() => number) | undefined;
  /** Is called for each entry of the journal; what it throws goes to the console. */
  readonly onEntry?: ((entry: JournalEntry) => void) | undefined;
}

/** What is being measured. */
interface OnTrial {
  readonly strategy: OptimizationStrategy;
  readonly result: OptimizationResult;
}

/** Fewer gets than these tell nothing of a period. */
const LEAST_GETS = 20;
/** For so many periods nothing is heard of a strategy whose change was rolled back. */
const SILENT_PERIODS = 3;
/** Timers know 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class BufferOptimizer {
  readonly #manager: BufferManager;
  readonly #strategies: readonly OptimizationStrategy[];
  readonly #memoryBytes: number;
  readonly #dryRun: boolean;
  readonly #maxRisk: RiskLevel;
  readonly #minConfidence: number;
  readonly #costs: ServeCosts;
  readonly #nowMs: () => number;
  readonly #onEntry: ((entry: JournalEntry) => void) | undefined;
  readonly #trace: RecentTrace;
  readonly #journal = new Journal();
  /** By strategy: how many periods more. */
  readonly #silent = new Map<OptimizationStrategy, number>();
  #live: LiveRun;
  #sinceMs: number;
  #onTrial: OnTrial | undefined;
  #step: Promise<readonly JournalEntry[]> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #entries: JournalEntry[] = [];

  /** @throws MillraceError `ERR_INVALID_ARG` */
  constructor(manager: BufferManager, options: BufferOptimizerOptions = {}) {
    const { strategies, memoryBytes = Infinity, dryRun = false, maxRisk = 'medium' } = options;
    const { minConfidence = 0.8, maxTraceEvents = 10_000, costs = DEFAULT_COSTS } = options;
    const { nowMs = () => performance.timeOrigin + performance.now() } = options;
    need('memoryBytes', memoryBytes, memoryBytes > 0);
    need('maxRisk', maxRisk, RISK_LEVELS.includes(maxRisk));
    need('minConfidence', minConfidence, minConfidence >= 0 && minConfidence <= 1);
    const counts = Number.isSafeInteger(maxTraceEvents) && maxTraceEvents > 0;
    need('maxTraceEvents', maxTraceEvents, counts);
    this.#manager = manager;
    this.#strategies = strategies ?? [
      new PoolSizeStrategy(),
      new BufferSizeStrategy(),
      new AllocationStrategy(),
    ];
    this.#memoryBytes = memoryBytes;
    this.#dryRun = dryRun;
    this.#maxRisk = maxRisk;
    this.#minConfidence = minConfidence;
    this.#nowMs = nowMs;
    this.#onEntry = options.onEntry;
    this.#costs = costs;
    this.#trace = new RecentTrace(maxTraceEvents);
    this.#sinceMs = nowMs();
    this.#live = this.#newLive();
  }

  /** Takes what the manager tells, all of it: `manager.onEvent((event) => optimizer.collectEvent(event))`. */
  collectEvent(event: BufferEvent): void {
    this.#trace.add(traceEventOf(event));
    this.#live.collectEvent(event);
  }

  /** What was changed, why, and what came of it: the latest thousand entries, oldest first. */
  get journal(): readonly JournalEntry[] {
    return this.#journal.entries;
  }

  /**
   * A period is over: what is on trial is kept or rolled back, and what comes next is looked for. While it simulates, others get
   * their turn on this thread every millisecond. It rejects for nothing: what fails stands in the journal.
   *
   * @returns what it wrote into the journal; what was written last time is not repeated
   */
  step(): Promise<readonly JournalEntry[]> {
    this.#step ??= this.#run().finally(() => {
      this.#step = undefined;
    });
    return this.#step;
  }

  /** Takes a step every `optimizationPeriodMs` of the manager's settings. It does not keep the process alive. */
  start(): void {
    if (this.#timer !== undefined) return;
    const next = (): void => {
      const { optimizationPeriodMs } = this.#manager.settings;
      this.#timer = setTimeout(
        () => {
          void this.step().then(() => {
            if (this.#timer !== undefined) next();
          });
        },
        Math.min(optimizationPeriodMs, LONGEST_TIMER_MS),
      );
      this.#timer.unref();
    };
    this.#beginPeriod();
    next();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #run(): Promise<readonly JournalEntry[]> {
    this.#entries = [];
    try {
      const measured = this.#live.run(this.#nowMs());
      if (measured.gets + measured.failed < LEAST_GETS) return [];
      const evidence = new Evidence({
        trace: this.#trace.events(),
        settings: this.#manager.settings,
        memoryBytes: this.#memoryBytes,
        costs: this.#costs,
        measured,
        sinceMs: this.#sinceMs,
      });
      this.#beginPeriod();
      if (this.#onTrial !== undefined && !(await this.#judge(this.#onTrial, evidence, measured))) {
        return this.#entries;
      }
      await this.#propose(evidence);
    } catch (error) {
      this.#enter(undefined, 'failed', 'A step could not be taken', { error });
    }
    return this.#entries;
  }

  /** Keeps what is on trial, or takes it back. @returns whether the settings are still those of the evidence */
  async #judge(
    { strategy, result }: OnTrial,
    evidence: Evidence,
    measured: BufferRun,
  ): Promise<boolean> {
    const unmet = strategy.validate(this.#manager, result);
    if (unmet.length > 0) {
      this.#onTrial = undefined;
      this.#enter(result, 'superseded', `Other settings hold: ${unmet.join('; ')}`);
      return true;
    }
    const former = configOf(result.changes, 'oldValue');
    const gain = await evidence.gainOver(former, measured);
    this.#onTrial = undefined;
    const score = `the score is ${gain.overallScore.toFixed(3)} over what the former settings would have made`;
    if (gain.overallScore >= 0) {
      this.#enter(result, 'kept', `Measured, ${score}`, { measured: gain });
      return true;
    }
    this.#silent.set(strategy, SILENT_PERIODS);
    this.#manager.configure(former);
    this.#beginPeriod();
    this.#enter(result, 'rolled-back', `Measured, ${score}`, { measured: gain });
    return false;
  }

  /** Applies the best of what the strategies find; tells of the others. */
  async #propose(evidence: Evidence): Promise<void> {
    const found: OnTrial[] = [];
    for (const strategy of this.#strategies) {
      if (this.#isSilent(strategy)) continue;
      try {
        const result = await strategy.analyze(this.#manager, evidence);
        if (result !== undefined && result.changes.length > 0) found.push({ strategy, result });
      } catch (error) {
        this.#enter(undefined, 'failed', `The strategy ${strategy.name} threw`, { error });
      }
    }
    const scoreOf = ({ result }: OnTrial): number => result.expectedImprovement.overallScore;
    found.sort((a, b) => scoreOf(b) - scoreOf(a));
    let applied = false;
    for (const one of found) {
      const against = this.#against(one.result);
      if (against !== undefined) this.#enter(one.result, 'rejected', against);
      else if (this.#dryRun || !this.#manager.settings.enableOptimization) {
        this.#enter(one.result, 'proposed', whyOf(one.result));
      } else if (!applied) applied = this.#apply(one);
    }
  }

  #apply({ strategy, result }: OnTrial): boolean {
    try {
      strategy.apply(this.#manager, result);
    } catch (error) {
      this.#silent.set(strategy, SILENT_PERIODS);
      this.#enter(result, 'failed', `The strategy ${strategy.name} could not apply it`, { error });
      return false;
    }
    this.#onTrial = { strategy, result };
    this.#beginPeriod();
    this.#enter(result, 'applied', whyOf(result));
    return true;
  }

  /** Why a result must not be applied, if it must not. */
  #against({ changes, validation }: OptimizationResult): string | undefined {
    const { valid, confidence, issues } = validation;
    if (!valid) return issues.join('; ');
    if (confidence <= this.#minConfidence) {
      return `Its confidence is ${confidence.toFixed(3)}, and must be above ${this.#minConfidence}`;
    }
    const most = RISK_LEVELS.indexOf(this.#maxRisk);
    const risky = changes.find(({ risk }) => RISK_LEVELS.indexOf(risk) > most);
    return risky && `${risky.parameter} is of ${risky.risk} risk, and ${this.#maxRisk} is the most`;
  }

  #isSilent(strategy: OptimizationStrategy): boolean {
    const periods = this.#silent.get(strategy) ?? 0;
    this.#silent.set(strategy, Math.max(0, periods - 1));
    return periods > 0;
  }

  #beginPeriod(): void {
    this.#sinceMs = this.#nowMs();
    this.#live = this.#newLive();
  }

  #newLive(): LiveRun {
    return new LiveRun(this.#manager, this.#costs, this.#sinceMs);
  }

  #enter(
    result: OptimizationResult | undefined,
    outcome: JournalOutcome,
    why: string,
    more: Pick<JournalEntry, 'measured' | 'error'> = {},
  ): void {
    const entry = { atMs: this.#nowMs(), result, outcome, why, ...more };
    if (this.#journal.repeats(entry)) return;
    this.#journal.add(entry);
    this.#entries.push(entry);
    try {
      this.#onEntry?.(entry);
    } catch (thrown) {
      console.error(thrown);
    }
  }
}

function whyOf({ expectedImprovement, validation }: OptimizationResult): string {
  const { hitRateBefore = 0, hitRateAfter = 0 } = validation.metrics;
  const { meanMemoryBefore = 0, meanMemoryAfter = 0 } = validation.metrics;
  const hits = `hit rate ${hitRateBefore.toFixed(3)} to ${hitRateAfter.toFixed(3)}`;
  const memory = `mean memory ${Math.round(meanMemoryBefore)} to ${Math.round(meanMemoryAfter)} bytes`;
  return `On the trace of late: ${hits}, ${memory}; score ${expectedImprovement.overallScore.toFixed(3)}`;
}

function need(name: string, value: unknown, holds: boolean): void {
  if (holds) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot optimise buffers with "${name}" of ${String(value)}`,
  );
}
