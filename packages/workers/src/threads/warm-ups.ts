/** Warm-ups: what threads import before they are asked to, those that start later too. */
import type { OpAddress, Warmth } from '../ops/warmth.js';
import { holding } from './holding.js';

export class WarmUps {
  /** What a thread that starts is to import. */
  warmth: Warmth = { type: 'warmth', number: 0, ops: [] };

  /**
   * Adds to it. The process stays alive until that is done.
   *
   * @param tell has the threads that are there import what is new
   * @param warmed resolves when all have come to the warmth of this number
   */
  async add(
    ops: readonly OpAddress[],
    tell: (warmth: Warmth) => void,
    warmed: (number: number) => Promise<void>,
  ): Promise<void> {
    const added = ops.map(({ url, name }) => ({ url, name }));
    const number = this.warmth.number + 1;
    this.warmth = { type: 'warmth', number, ops: [...this.warmth.ops, ...added] };
    tell({ type: 'warmth', number, ops: added });
    try {
      await holding(warmed(number));
    } catch (error) {
      this.warmth = { ...this.warmth, ops: this.warmth.ops.filter((op) => !added.includes(op)) };
      throw error;
    }
  }
}
