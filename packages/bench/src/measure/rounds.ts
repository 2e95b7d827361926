/**
 * Rounds: every contender runs once in each, one right after the other.
 *
 *   round 1   a b c
 *   round 2   c b a     turned round, so that nobody always follows the same neighbour
 *   round 3   a b c
 */

export interface Contender<M> {
  readonly name: string;
  /** One run; what it measured. */
  run(): Promise<M>;
}

/** What each contender measured, by name, round by round. */
export class Rounds<M> {
  readonly #measured = new Map<string, M[]>();

  add(name: string, measured: M): void {
    const before = this.#measured.get(name);
    if (before) before.push(measured);
    else this.#measured.set(name, [measured]);
  }

  /** What `name` measured in each round. @throws RangeError when it did not run */
  of(name: string): readonly M[] {
    const measured = this.#measured.get(name);
    if (!measured) throw new RangeError(`Cannot tell what "${name}" measured as it did not run`);
    return measured;
  }

  /** One number of it from each round. */
  each(name: string, pick: (measured: M) => number): number[] {
    return this.of(name).map(pick);
  }
}

export interface RoundsOptions {
  readonly rounds: number;
  /** A first round that does not count, for caches and compilers. @defaultValue false */
  readonly warmUp?: boolean;
  /** Told of each run before it starts. */
  readonly say: (line: string) => void;
}

export async function inRounds<M>(
  contenders: readonly Contender<M>[],
  { rounds, warmUp = false, say }: RoundsOptions,
): Promise<Rounds<M>> {
  const measured = new Rounds<M>();
  for (let round = warmUp ? 0 : 1; round <= rounds; round++) {
    const order = round % 2 === 1 ? contenders : [...contenders].reverse();
    for (const contender of order) {
      say(`${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}: ${contender.name}`);
      const result = await contender.run();
      if (round > 0) measured.add(contender.name, result);
    }
  }
  return measured;
}
