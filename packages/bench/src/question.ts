/** What a question about speed is, and what its answer is made of. */

export interface Settings {
  /** Small inputs and few rounds: proves that the question works, and measures nothing. */
  readonly quick: boolean;
  /** How often each contender runs; the question knows best unless somebody insists. */
  readonly rounds: number | undefined;
  /** Tells a person what is going on. */
  readonly say: (line: string) => void;
}

export type Unit = '×' | '%' | 's' | 'ms' | 'µs' | 'ns' | 'MB';

/** One thing that was measured, in each round. */
export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly values: readonly number[];
  /** What the project wants it to be, for the reader: nothing fails for missing it. */
  readonly aim?: string;
}

export interface Answer {
  /** How we compare with something real that was measured in the same rounds. */
  readonly ratios: readonly Row[];
  /** The figures behind the ratios. They hold for this machine at this hour only. */
  readonly figures: readonly Row[];
  /** What was left out, and what must be known to read the rows. */
  readonly notes: readonly string[];
}

export interface Question {
  /** Also the name of its file. */
  readonly name: string;
  readonly title: string;
  readonly asks: string;
  run(settings: Settings): Promise<Answer>;
}
