/**
 * Since when things have been idle, for one who looks at them now and then.
 *
 * A thing that is idle has a stamp, which changes whenever it is used. So a use between two looks counts.
 */
export class IdleSince {
  readonly #seen = new Map<number, { stamp: number; since: number }>();

  /**
   * Takes in how `thing` looks at the time `now`.
   *
   * @param stamp `undefined` while it is in use
   * @returns for how long it has been idle, in the unit of `now`; −1 while it is in use
   */
  look(thing: number, stamp: number | undefined, now: number): number {
    if (stamp === undefined) {
      this.#seen.delete(thing);
      return -1;
    }
    const seen = this.#seen.get(thing);
    if (seen?.stamp === stamp) return now - seen.since;
    this.#seen.set(thing, { stamp, since: now });
    return 0;
  }
}
