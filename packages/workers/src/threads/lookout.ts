/**
 * The lookout: how a worker comes by its next task, and when it says that it looks for one.
 *
 *   woken ──▶ takes one ──▶ runs it ──▶ says that it looks ──▶ says that it is done ──▶ looks ──nothing──▶ parks
 *     └──▶ there is none: another has it ──────────────────────────────────────────────────────────────▶ parks
 *
 * Who looks need not be woken, so a worker says so before it says that its task is done: else whoever sends the next
 * one at once would wake a second worker for it. And who was woken in vain goes back to sleep: two workers that take
 * turns with the tasks of one sender are in each other's way, and in the sender's, where processors are few.
 */
import type { Claims } from '../dispatch/claims.js';
import type { WakeUp } from '../dispatch/wake-up.js';

/** Looks as often as it is worth it, and learns how often that is. */
export interface Spin {
  until(attempt: () => number): number;
  /** It was in vain; the worker has slept, and was woken. */
  woken(): void;
}

export class Lookout {
  readonly #claims: Claims;
  readonly #wakeUp: WakeUp;
  readonly #me: number;
  readonly #spinners: number;
  readonly #spin: Spin;
  readonly #attempt = (): number => this.#claims.next();
  #looking = false;
  /** It has taken a task since it was woken. */
  #worked = true;

  /** @param spinners how many workers may look for work at a time */
  constructor(claims: Claims, wakeUp: WakeUp, me: number, spinners: number, spin: Spin) {
    this.#claims = claims;
    this.#wakeUp = wakeUp;
    this.#me = me;
    this.#spinners = spinners;
    this.#spin = spin;
  }

  /**
   * Claims a task; where its cell is, −1 when there is none.
   *
   * @param patient looks for one for as long as it has lately been worth it
   */
  next(patient: boolean): number {
    let at = this.#claims.next();
    if (at < 0 && patient) {
      if (!this.#looking) this.#begin();
      if (this.#looking) at = this.#spin.until(this.#attempt);
    }
    this.end();
    if (at >= 0) this.#worked = true;
    return at;
  }

  /** The task is about to be done, and nothing but {@link next} follows. */
  ahead(): void {
    if (!this.#claims.anyWaiting) this.#begin();
  }

  /** Looks no more. */
  end(): void {
    if (!this.#looking) return;
    this.#looking = false;
    this.#wakeUp.stopSpinning(this.#me);
  }

  /**
   * Announces that the worker is about to sleep; it must look for work once more before it does.
   *
   * @param dozes on its event loop, where something goes on
   */
  announce(dozes: boolean): void {
    if (dozes) this.#wakeUp.announceDoze(this.#me);
    else this.#wakeUp.announce(this.#me, this.#worked);
  }

  /** It has parked, and was woken. */
  woken(): void {
    this.#worked = false;
    this.#spin.woken();
  }

  #begin(): void {
    if (!this.#worked || this.#wakeUp.spinning >= this.#spinners) return;
    this.#looking = true;
    this.#wakeUp.startSpinning(this.#me);
  }
}
