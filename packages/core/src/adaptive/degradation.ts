/**
 * The ladder: what is taken when something cannot be had, counted each time and told once.
 *
 *   pooled ──▶ chunked ──▶ direct ──▶ emergency
 *   a slice    a smaller   private    as little private memory
 *              slice       memory     as there can be
 *
 * An episode begins with the first step down. It ends, and all is well again, when as much as was last
 * denied has been had, or when nothing has been denied for a while. In each episode every step is told
 * once, and none of them again within a second: a pool that is just short of memory goes up and down
 * thousands of times in that.
 */
import { Listeners } from '../pools/listeners.js';
import type { DegradationStep } from './usage.js';
import type { PlainStrategy } from './strategy.js';

/** Why a step down was taken: the pools had nothing in time, or memory is short. */
export type DegradationCause = 'exhausted' | 'pressure';

/** News of an adaptive pool. */
export type Degradation =
  | {
      readonly kind: 'degraded';
      readonly from: PlainStrategy;
      readonly to: DegradationStep;
      readonly cause: DegradationCause;
      /** What was wanted, in bytes. */
      readonly bytes: number;
      /** A sentence that says so, and what to do. */
      readonly message: string;
    }
  | {
      readonly kind: 'recovered';
      /** Steps that were taken down in this episode. */
      readonly steps: number;
      readonly lastedMs: number;
      readonly message: string;
    };

export type DegradationListener = (news: Degradation) => void;

const QUIET_NS = 1e9;
const STEPS: readonly DegradationStep[] = ['chunked', 'direct', 'emergency'];

export class Ladder {
  readonly #nowNs: () => number;
  readonly #listeners = new Listeners<Degradation>();
  readonly #taken = new Map<DegradationStep, number>();
  /** When each step was told last. */
  readonly #toldNs = new Map<DegradationStep, number>();
  /** Those that were told in this episode. */
  readonly #told = new Set<DegradationStep>();
  #recoveries = 0;
  /** Steps of this episode; 0 when there is none. */
  #steps = 0;
  #sinceNs = 0;
  #lastNs = 0;
  /** What was denied last. */
  #deniedBytes = 0;
  #deniedPools = false;

  constructor(nowNs: () => number) {
    this.#nowNs = nowNs;
  }

  /** Whether all is not well. */
  get degraded(): boolean {
    return this.#steps > 0;
  }

  /** `bytes` could not be had as `from`; `to` is taken instead. */
  down(from: PlainStrategy, to: DegradationStep, cause: DegradationCause, bytes: number): void {
    this.#recoverIf(false);
    const now = this.#nowNs();
    if (this.#steps++ === 0) this.#sinceNs = now;
    this.#lastNs = now;
    this.#deniedBytes = bytes;
    this.#deniedPools = from !== 'direct';
    this.#taken.set(to, (this.#taken.get(to) ?? 0) + 1);
    if (this.#told.has(to) || now - (this.#toldNs.get(to) ?? -Infinity) < QUIET_NS) return;
    this.#told.add(to);
    this.#toldNs.set(to, now);
    this.#listeners.tell({
      kind: 'degraded',
      from,
      to,
      cause,
      bytes,
      message: wording(from, to, cause, bytes),
    });
  }

  /** `bytes` were had as they were wanted. Worth a call only while {@link degraded}. */
  had(as: PlainStrategy, bytes: number): void {
    if (this.#steps === 0) return;
    const same = this.#deniedPools === (as !== 'direct') && bytes >= this.#deniedBytes;
    this.#recoverIf(same);
  }

  /** @returns ends it */
  onDegraded(listener: DegradationListener): () => void {
    return this.#listeners.add(listener);
  }

  stats(): {
    degradations: Record<DegradationStep, number>;
    recoveries: number;
    degraded: boolean;
  } {
    this.#recoverIf(false);
    const [chunked, direct, emergency] = STEPS.map((step) => this.#taken.get(step) ?? 0);
    return {
      degradations: { chunked: chunked!, direct: direct!, emergency: emergency! },
      recoveries: this.#recoveries,
      degraded: this.degraded,
    };
  }

  /** @param had whether what was denied last has been had */
  #recoverIf(had: boolean): void {
    if (this.#steps === 0) return;
    const now = this.#nowNs();
    if (!had && now - this.#lastNs < QUIET_NS) return;
    const steps = this.#steps;
    const told = this.#told.size > 0;
    this.#steps = 0;
    this.#recoveries++;
    this.#told.clear();
    // Whoever was not told of the fall need not be told of the rise.
    if (!told) return;
    const lastedMs = (now - this.#sinceNs) / 1e6;
    const message = `Memory is to be had as it is wanted again, after ${steps} steps down in ${lastedMs.toFixed(0)} ms`;
    this.#listeners.tell({ kind: 'recovered', steps, lastedMs, message });
  }
}

const CAUSES: Record<DegradationCause, string> = {
  exhausted: 'the pools had nothing in time; raise "memory", or release buffers sooner',
  pressure: 'memory is short; raise its limit, or lower "memory" or "maxConcurrentLargeOps"',
};

function wording(
  from: PlainStrategy,
  to: DegradationStep,
  cause: DegradationCause,
  bytes: number,
): string {
  const instead = to === 'emergency' ? 'as little private memory as there can be' : `"${to}"`;
  return `Took ${instead} instead of "${from}" for ${bytes} bytes as ${CAUSES[cause]}`;
}
