/** What a question about speed is, and what its answer is made of. */

export interface Settings {
  /** Small inputs and few rounds: proves that the question works, and measures nothing. */
  readonly quick: boolean;
  /** How often each contender runs; the question knows best unless somebody insists. */
  readonly rounds: number | undefined;
  /** Tells a person what is going on. */
  readonly say: (line: string) => void;
}

export type Unit = '' | '×' | '%' | 's' | 'ms' | 'µs' | 'ns' | 'MB';

/** One thing that was measured, in each round. */
export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly values: readonly number[];
  /** What the project wants it to be, for the reader: nothing fails for missing it. */
  readonly aim?: string;
}

/** Figures that one wants to see beside each other. */
export interface Table {
  readonly title: string;
  /** Of the columns, with their units; the first is the name of a row. */
  readonly head: readonly string[];
  readonly rows: readonly { readonly name: string; readonly values: readonly number[] }[];
}

export interface Answer {
  /** How we compare with something real that was measured in the same rounds. */
  readonly ratios: readonly Row[];
  /** The figures behind the ratios. They hold for this machine at this hour only. */
  readonly figures: readonly Row[];
  /** More of them, where there are many: over all rounds. */
  readonly tables?: readonly Table[];
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
