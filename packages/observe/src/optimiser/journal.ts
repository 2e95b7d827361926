/**
 * The journal: what an optimiser found, what it changed and why, and what came of it.
 */
import type { PerformanceGain } from '../simulator/performance-evaluator.js';
import type { OptimizationResult } from './optimization-result.js';

/**
 * - `proposed`: it would have been applied, but nothing may be changed
 * - `rejected`: it was not good, sure or safe enough
 * - `applied`: it holds, and is being measured
 * - `kept`: what was measured is no worse than what the former settings would have made of the same load
 * - `rolled-back`: it is worse, and the former settings hold again
 * - `superseded`: somebody else changed the same settings before it was measured
 * - `failed`: something was thrown
 */
export type JournalOutcome =
  'proposed' | 'rejected' | 'applied' | 'kept' | 'rolled-back' | 'superseded' | 'failed';

export interface JournalEntry {
  /** When it was decided, by the optimiser's clock. */
  readonly atMs: number;
  /** `undefined` when what failed was no strategy's result. */
  readonly result: OptimizationResult | undefined;
  readonly outcome: JournalOutcome;
  /** Why it came so, a sentence. */
  readonly why: string;
  /** What was measured, over what the former settings would have made of the same time. */
  readonly measured?: PerformanceGain;
  /** What was thrown. */
  readonly error?: unknown;
}

const LONGEST = 1000;

/** The latest thousand entries. */
export class Journal {
  readonly #entries: JournalEntry[] = [];

  get entries(): readonly JournalEntry[] {
    return [...this.#entries];
  }

  add(entry: JournalEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > LONGEST) this.#entries.shift();
  }

  /** Whether the last entry of the same strategy says the same. */
  repeats({ result, outcome }: JournalEntry): boolean {
    if (result === undefined) return false;
    const last = this.#entries.findLast(
      (entry) => entry.result?.strategyName === result.strategyName,
    );
    if (last?.result === undefined || last.outcome !== outcome) return false;
    return changed(last.result) === changed(result);
  }
}

function changed({ changes }: OptimizationResult): string {
  return changes.map(({ parameter, newValue }) => `${parameter}=${newValue}`).join();
}
