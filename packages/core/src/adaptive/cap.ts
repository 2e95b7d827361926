/**
 * The cap: how many large objects are worked on at a time.
 *
 * A copy holds its permit until its end, also while it waits for its reader or its writer. Two copies of
 * which one feeds the other would so wait for ever under a cap of one. Therefore a copy in line looks
 * now and then whether any of those before it has moved a chunk, and goes ahead without a permit when
 * none has: one of those that wait, and the next one only when that does not help.
 */

/** How long nothing moves before one goes ahead. */
const STILL_MS = 1000;

/** Who lets large operations in. A mill's own cap is one. */
export interface LargeOpsGate {
  /** What an operation on so many bytes weighs; `undefined` when nobody knows how many. */
  weightOf(bytes: number | undefined): number;
  /** Takes a permit if there is one, and nobody waits for one. */
  tryEnter(weight: number): boolean;
  /** @throws MillraceError `ERR_ABORTED` */
  enter(weight: number, signal: AbortSignal | undefined): Promise<void>;
  leave(weight: number): void;
}

export class Cap {
  readonly #gate: LargeOpsGate;
  readonly #moved: () => number;
  /** How many went ahead without a permit. */
  #passed = 0;

  /** @param moved grows while large operations get on */
  constructor(gate: LargeOpsGate, moved: () => number) {
    this.#gate = gate;
    this.#moved = moved;
  }

  weightOf(bytes: number | undefined): number {
    return this.#gate.weightOf(bytes);
  }

  tryEnter(weight: number): boolean {
    return this.#gate.tryEnter(weight);
  }

  leave(weight: number): void {
    this.#gate.leave(weight);
  }

  /**
   * Waits for a permit.
   *
   * @returns false when it goes ahead without one
   * @throws MillraceError `ERR_ABORTED`
   */
  async enter(weight: number, signal: AbortSignal | undefined): Promise<boolean> {
    const leaving = new AbortController();
    const abort = (): void => leaving.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    let before = this.#progress;
    let passes = false;
    const timer = setInterval(() => {
      passes = before === this.#progress;
      before = this.#progress;
      if (!passes) return;
      // The others in line see that something has moved.
      this.#passed++;
      leaving.abort();
    }, STILL_MS);
    try {
      await this.#gate.enter(weight, leaving.signal);
      return true;
    } catch (error) {
      if (passes && !signal?.aborted) return false;
      throw error;
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  get #progress(): number {
    return this.#moved() + this.#passed;
  }
}
