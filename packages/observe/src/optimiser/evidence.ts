/**
 * The evidence that strategies go by: the trace of late, what was measured meanwhile, and what the simulator makes of it.
 */
import type { BufferManagerConfig, BufferManagerSettings } from '@millrace/core';
import type { BufferRun } from '../simulator/buffer-run.js';
import { BufferSimulator, type SimulatedRun } from '../simulator/buffer-simulator.js';
import { PerformanceEvaluator, type PerformanceGain } from '../simulator/performance-evaluator.js';
import type { ServeCosts } from '../simulator/serve-costs.js';
import type { TraceEvent } from '../trace/trace-event.js';
import { changesOf, withChange } from './config-change.js';
import type { OptimizationResult, ValidationResult } from './optimization-result.js';

export interface EvidenceOptions {
  /** In the order of time. */
  readonly trace: readonly TraceEvent[];
  /** What the manager goes by. */
  readonly settings: BufferManagerSettings;
  /** What the pools have. */
  readonly memoryBytes: number;
  readonly costs: ServeCosts;
  /** What was measured, by these settings. */
  readonly measured?: BufferRun | undefined;
  /** From when on that was. */
  readonly sinceMs?: number | undefined;
}

/** What a change would make of the trace. */
export interface Trial {
  readonly change: BufferManagerConfig;
  readonly run: SimulatedRun;
  /** Over the present settings. */
  readonly gain: PerformanceGain;
}

const PARTS = 10;
/** Fewer gets than these tell nothing. */
const LEAST_GETS = 100;
const HALF_EVIDENCE = 50;
/** Simulated hit rates that are further from what was measured are not believed. */
const MOST_OFF = 0.1;
/** Peaks that grow by more than this are worth a word. */
const MUCH_MEMORY = 1.5;

export class Evidence {
  readonly trace: readonly TraceEvent[];
  readonly settings: BufferManagerSettings;
  readonly memoryBytes: number;
  readonly #simulator: BufferSimulator;
  readonly #evaluator = new PerformanceEvaluator();
  /** What was measured, by the present settings. */
  readonly measured: BufferRun | undefined;
  readonly #sinceMs: number | undefined;
  #baseline: Promise<SimulatedRun> | undefined;
  #offBy: Promise<number> | undefined;

  constructor({ trace, settings, memoryBytes, costs, measured, sinceMs }: EvidenceOptions) {
    this.trace = trace;
    this.settings = settings;
    this.memoryBytes = memoryBytes;
    this.#simulator = new BufferSimulator({ memoryBytes, costs });
    this.measured = measured;
    this.#sinceMs = sinceMs;
  }

  /** What a change would make of the whole trace. It is what `configure` takes. @throws MillraceError `ERR_INVALID_ARG` */
  async try(change: BufferManagerConfig): Promise<Trial> {
    const before = await this.#before();
    const run = await this.#whole(change);
    return { change, run, gain: this.#evaluator.compare(before, run) };
  }

  /** What was measured gains over what other settings would have made of the same time. @throws MillraceError `ERR_INVALID_ARG` */
  async gainOver(change: BufferManagerConfig, measured: BufferRun): Promise<PerformanceGain> {
    return this.#evaluator.compare(await this.#lately(change), measured);
  }

  /** The change as a result: setting by setting, with what speaks for it and against it. */
  async result(strategyName: string, { change, run, gain }: Trial): Promise<OptimizationResult> {
    const changes = changesOf(this.settings, change, this.memoryBytes);
    const risky = changes.filter(({ risk }) => risk !== 'low');
    return {
      strategyName,
      expectedImprovement: gain,
      changes,
      risks: risky.map(({ parameter, impact, risk }) => `${parameter}, of ${risk} risk: ${impact}`),
      validation: await this.#validation(run, gain),
    };
  }

  async #validation(after: SimulatedRun, gain: PerformanceGain): Promise<ValidationResult> {
    const before = await this.#before();
    const offBy = await this.#off();
    const { gets } = before;
    const parts = before.parts
      .map((part, index) => [part, after.parts[index]] as const)
      .filter(([part]) => part.gets > 0);
    const better = parts.filter(
      ([part, other]) => other && this.#evaluator.compare(part, other).overallScore > 0,
    ).length;
    const consistency = (better + 1) / (parts.length + 2);
    const issues: string[] = [];
    const warnings: string[] = [];
    if (gets < LEAST_GETS) issues.push(`The trace has ${gets} gets, and ${LEAST_GETS} are needed`);
    if (gain.overallScore <= 0) issues.push('The simulation shows no gain');
    if (after.failed > before.failed) {
      issues.push(`${after.failed} gets would fail, and ${before.failed} do now`);
    }
    if (offBy > MOST_OFF) {
      issues.push(`The simulated hit rate is ${offBy.toFixed(3)} off what was measured`);
    }
    if (after.peakMemory > MUCH_MEMORY * before.peakMemory) {
      warnings.push(`Peak memory goes from ${before.peakMemory} to ${after.peakMemory} bytes`);
    }
    if (better < parts.length) {
      warnings.push(`${parts.length - better} of ${parts.length} parts of the trace gain nothing`);
    }
    return {
      valid: issues.length === 0,
      confidence: (gets / (gets + HALF_EVIDENCE)) * consistency * (1 - offBy),
      issues,
      warnings,
      metrics: {
        gets,
        parts: parts.length,
        partsBetter: better,
        hitRateBefore: before.hitRate,
        hitRateAfter: after.hitRate,
        meanMemoryBefore: before.meanMemory,
        meanMemoryAfter: after.meanMemory,
        peakMemoryBefore: before.peakMemory,
        peakMemoryAfter: after.peakMemory,
        meanLatencyMsBefore: before.meanLatencyMs,
        meanLatencyMsAfter: after.meanLatencyMs,
      },
    };
  }

  #before(): Promise<SimulatedRun> {
    return (this.#baseline ??= this.#whole({}));
  }

  /** The pools are warm after the first part, which does not count. */
  #whole(change: BufferManagerConfig): Promise<SimulatedRun> {
    const [first, last] = [this.trace[0]?.timestampMs ?? 0, this.trace.at(-1)?.timestampMs ?? 0];
    const partMs = (last - first) / (PARTS + 1);
    const config = withChange(this.settings, change);
    const options = partMs > 0 ? { partMs, sinceMs: first + partMs } : {};
    return this.#simulator.run(this.trace, config, options);
  }

  /** How far the hit rates that are simulated for the present settings, and were measured, are apart. */
  #off(): Promise<number> {
    return (this.#offBy ??= this.#compared());
  }

  async #compared(): Promise<number> {
    if (this.measured === undefined || this.measured.gets === 0) return 0;
    const { hitRate } = await this.#lately({});
    return Math.abs(hitRate - this.measured.hitRate);
  }

  /** The time that was measured, the pools being warm from what was before. */
  #lately(change: BufferManagerConfig): Promise<SimulatedRun> {
    const config = withChange(this.settings, change);
    return this.#simulator.run(this.trace, config, { sinceMs: this.#sinceMs });
  }
}
