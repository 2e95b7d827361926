/**
 * The evaluator: two runs under the same load, and what the second gained.
 */
import type { BufferRun } from './buffer-run.js';

/** What a run has more than another. Losses are negative. */
export interface PerformanceGain {
  /** 1 − mean memory after / before. */
  readonly memoryReduction: number;
  /** Throughput after / before − 1. */
  readonly throughputIncrease: number;
  /** 1 − mean latency after / before. */
  readonly latencyReduction: number;
  /** 1 − buffers made a get after / before. */
  readonly allocationReduction: number;
  /**
   * From −1 to 1: 0.3 × memory + 0.3 × allocations + 0.2 × latency + 0.2 × time of service a get, where each counts
   * (before − after) / the larger of the two. So what one way is a gain is the same loss the other way.
   * Fewer than one buffer made in 100 gets count as one: pools are not blown up for the last misses.
   * Where gets failed in either run, all that counts half; the other half is the same of the part of gets that failed, or of 0.01 if
   * that is more.
   */
  readonly overallScore: number;
}

const WEIGHTS = { memory: 0.3, allocations: 0.3, latency: 0.2, service: 0.2 };
/** Buffers made a get. */
const FEW_ALLOCATIONS = 0.01;
/** A part of the gets. */
const FEW_FAILURES = 0.01;

export class PerformanceEvaluator {
  compare(before: BufferRun, after: BufferRun): PerformanceGain {
    const made = [madePerGet(before), madePerGet(after)] as const;
    return {
      memoryReduction: -change(before.meanMemory, after.meanMemory),
      throughputIncrease: change(before.throughput, after.throughput),
      latencyReduction: -change(before.meanLatencyMs, after.meanLatencyMs),
      allocationReduction: -change(...made),
      overallScore: score(before, after, made),
    };
  }
}

function score(
  before: BufferRun,
  after: BufferRun,
  made: readonly [before: number, after: number],
): number {
  const served =
    WEIGHTS.memory * gain(before.meanMemory, after.meanMemory) +
    WEIGHTS.allocations * gain(atLeastFew(made[0]), atLeastFew(made[1])) +
    WEIGHTS.latency * gain(before.meanLatencyMs, after.meanLatencyMs) +
    WEIGHTS.service * gain(serviceMs(before), serviceMs(after));
  const failed = [failedPart(before), failedPart(after)] as const;
  if (failed[0] === 0 && failed[1] === 0) return served;
  return (served + gain(...failed, FEW_FAILURES)) / 2;
}

/** By which part something grew; from nothing to something counts as 1. */
function change(before: number, after: number): number {
  if (before === after) return 0;
  return before === 0 ? 1 : after / before - 1;
}

/** From −1 to 1, of what should be small. */
function gain(before: number, after: number, least = 0): number {
  const larger = Math.max(before, after, least);
  return larger === 0 ? 0 : (before - after) / larger;
}

function atLeastFew(made: number): number {
  return Math.max(made, FEW_ALLOCATIONS);
}

function madePerGet({ made, gets }: BufferRun): number {
  return gets === 0 ? 0 : made / gets;
}

function failedPart({ failed, gets }: BufferRun): number {
  return failed === 0 ? 0 : failed / (failed + gets);
}

function serviceMs({ throughput }: BufferRun): number {
  return throughput === 0 ? 0 : 1000 / throughput;
}
