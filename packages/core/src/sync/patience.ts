/**
 * Patience: how long one call is willing to wait, and what it throws when that was not enough.
 *
 * One patience lasts for a whole call, through all the waits that the call is made of.
 */
import type { MillraceError } from '../errors.js';
import { syncError } from './errors.js';

/** How long to wait at most. */
export interface WaitLimits {
  /**
   * Give up after this many milliseconds. With 0 the call looks once.
   *
   * @defaultValue Infinity
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Give up when this aborts, with `ERR_ABORTED` and the signal's reason as `cause`. Signals fire in
   * the event loop, which a blocked thread does not reach: the sync forms look at it once, at first.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How to wait without blocking the thread. */
export interface WaitOptions extends WaitLimits {
  /**
   * Keeps the process alive meanwhile: the engine's own wait does not. Has no meaning in browsers.
   *
   * @defaultValue true
   */
  readonly keepAlive?: boolean | undefined;
}

/** How to wait in a thread that may block. */
export type WaitSyncOptions = Pick<WaitLimits, 'timeoutMs'>;

/** Why a wait ended without what it waited for. */
export type Ending = 'timed out' | 'aborted';

export class Patience implements WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly keepAlive: boolean;
  readonly #action: string;
  /** By the clock of `performance.now()`; read for a finite timeout only. */
  readonly #deadlineMs: number;

  /**
   * @throws MillraceError `ERR_INVALID_ARG` for a timeout that is negative or not a number;
   *   `ERR_ABORTED` when the signal has aborted already
   */
  private constructor(action: string, limits: WaitOptions | undefined) {
    const timeoutMs = limits?.timeoutMs ?? Infinity;
    if (!(timeoutMs >= 0)) {
      throw syncError(
        'ERR_INVALID_ARG',
        `Cannot ${action} as timeoutMs must be a number from 0 to Infinity: current value is ${timeoutMs}`,
      );
    }
    this.#action = action;
    this.timeoutMs = timeoutMs;
    this.#deadlineMs = timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs;
    this.signal = limits?.signal;
    this.keepAlive = limits?.keepAlive ?? true;
    if (this.aborted) throw this.error('aborted');
  }

  /** The patience of a call that is to do `action`. A call within a call shares the outer one's. */
  static of(action: string, limits: WaitOptions | undefined): Patience {
    return limits instanceof Patience ? limits : new Patience(action, limits);
  }

  get aborted(): boolean {
    return this.signal?.aborted === true;
  }

  /** Milliseconds left: 0 when the time is up. */
  get leftMs(): number {
    if (this.#deadlineMs === Infinity) return Infinity;
    return Math.max(0, this.#deadlineMs - performance.now());
  }

  error(ending: Ending): MillraceError {
    return ending === 'timed out'
      ? syncError('ERR_TIMEOUT', `Cannot ${this.#action} within ${this.timeoutMs} ms`)
      : syncError('ERR_ABORTED', `Cannot ${this.#action} as its signal was aborted`, {
          cause: this.signal?.reason,
        });
  }
}
