/**
 * The cap: how many large objects are worked on at a time.
 *
 * An operation holds its permit until its end. While it stands still, because its reader or its writer
 * does, it does not need it: who has not moved for a while lends its permit to those in line, and takes
 * one again, if there is one, when it moves. So copies of which one feeds the other do not wait for each
 * other for ever, and slow consumers do not hold up the rest.
 */
import { letGo } from '../sync/pending.js';

/** Who has not moved in this time stands still. */
const STILL_MS = 500;

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
  readonly #permits = new Set<Permit>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(gate: LargeOpsGate) {
    this.#gate = gate;
  }

  /** A permit for an operation on so many bytes, if there is one now. */
  tryEnter(bytes: number | undefined): Permit | undefined {
    const weight = this.#gate.weightOf(bytes);
    return this.#gate.tryEnter(weight) ? this.#permit(weight) : undefined;
  }

  /** @throws MillraceError `ERR_ABORTED` */
  async enter(bytes: number | undefined, signal: AbortSignal): Promise<Permit> {
    const weight = this.#gate.weightOf(bytes);
    await this.#gate.enter(weight, signal);
    return this.#permit(weight);
  }

  #permit(weight: number): Permit {
    const permit = new Permit(this.#gate, weight, (it) => this.#permits.delete(it));
    this.#permits.add(permit);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#look(), STILL_MS);
      letGo(this.#timer);
    }
    return permit;
  }

  #look(): void {
    for (const permit of this.#permits) permit.lendIfStill();
    if (this.#permits.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

export class Permit {
  readonly #gate: LargeOpsGate;
  readonly #weight: number;
  readonly #ended: (permit: Permit) => void;
  /** Since the last look. It has just begun. */
  #hasMoved = true;
  #lent = false;

  constructor(gate: LargeOpsGate, weight: number, ended: (permit: Permit) => void) {
    this.#gate = gate;
    this.#weight = weight;
    this.#ended = ended;
  }

  /** Its operation gets on. */
  moved(): void {
    this.#hasMoved = true;
    if (this.#lent && this.#gate.tryEnter(this.#weight)) this.#lent = false;
  }

  lendIfStill(): void {
    if (!this.#hasMoved && !this.#lent) {
      this.#lent = true;
      this.#gate.leave(this.#weight);
    }
    this.#hasMoved = false;
  }

  end(): void {
    this.#ended(this);
    if (!this.#lent) this.#gate.leave(this.#weight);
  }
}
