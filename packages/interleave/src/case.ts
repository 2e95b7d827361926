/**
 * A case: the code to explore, and what must hold of it.
 */

/** What the code of a thread is given. */
export interface ThreadContext {
  /** The shared words. To the code they are an `Int32Array`; every access to them is seen. */
  readonly words: Int32Array;
  /** The index of this thread; for a sweeper, of the thread that died. */
  readonly thread: number;
  /**
   * Runs `run` and notes it as one operation of the history, with its arguments and its result, for a
   * check of linearizability.
   */
  operation<T>(this: void, name: string, args: readonly unknown[], run: () => T): T;
}

/** The code of a thread: ordinary, synchronous and deterministic. What it returns is its result. */
export type ThreadBody = (context: ThreadContext) => unknown;

/** An operation that a thread announced through {@link ThreadContext.operation}. */
export interface Operation {
  /** The index of its process: threads come first, then the sweeper of each. */
  readonly thread: number;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly result: unknown;
  /** The step in which it made its first access. */
  readonly invokedAt: number;
  /** The step in which it made its last access; `Infinity` when its thread died or got stuck in it. */
  readonly respondedAt: number;
}

/** What checks are given. */
export interface World {
  /** The shared words, as the threads see them. What a check writes is undone after it. */
  readonly words: Int32Array;
  /** The same words without instruments: much faster to read, and must not be written. */
  readonly raw: Int32Array;
  /** What each thread returned; `undefined` for one that was killed. */
  readonly results: readonly unknown[];
  /** The indices of the threads that were killed. */
  readonly killed: readonly number[];
  /** The operations that have begun, in no particular order. */
  readonly history: readonly Operation[];
}

export type Mode =
  | {
      readonly kind: 'exhaustive';
      /**
       * Explores only schedules with at most so many preemptions, fewer first. A preemption is a switch away
       * from a thread that could have gone on.
       *
       * @defaultValue no bound
       */
      readonly preemptions?: number;
      /**
       * `dpor` runs one schedule of each class of those that differ only in the order of steps that do not
       * affect each other. It needs all schedules, so that it cannot go with `preemptions`; and an
       * `invariant` would not see every state.
       *
       * @defaultValue `dpor`, or `none` with `preemptions` or an `invariant`
       */
      readonly reduction?: 'dpor' | 'none';
    }
  | {
      readonly kind: 'random';
      /** How many schedules to run. */
      readonly schedules: number;
      /** @defaultValue 1 */
      readonly seed?: number;
      /**
       * How many ordering constraints a fault may need to show: every fault of this depth is found with a
       * chance of at least 1 in threads × steps^(depth − 1) a schedule.
       *
       * @defaultValue 3
       */
      readonly depth?: number;
    };

export interface Limits {
  /** Stops after so many schedules; the report then says `complete: false`. */
  readonly schedules?: number;
  /** A thread that makes more accesses than this in one schedule is a failure. @defaultValue 20,000 */
  readonly steps?: number;
  /** Stops after so many milliseconds. */
  readonly ms?: number;
}

export interface Case {
  /** What is explored, in a few words, for reports. */
  readonly name: string;
  /** How many shared words there are. They cost memory once, and time only when they are used. */
  readonly words: number;
  /** Sets up the words, before the first schedule. Each schedule begins with the words as this left them. */
  setup?(this: void, world: { readonly words: Int32Array }): void;
  /** Two to four threads; one will do for trying out deaths. */
  readonly threads: readonly ThreadBody[];
  /** At most so many threads are killed in a schedule, at any of their steps. @defaultValue 0 */
  readonly kills?: number;
  /** Runs as a further thread when a thread was killed. It is not killed itself. */
  sweep?(this: void, context: ThreadContext): unknown;
  /**
   * When the sweeper runs: among the other threads; at once, before they go on; or last, when all of them
   * have ended or are stuck.
   *
   * @defaultValue `interleaved`
   */
  readonly sweeps?: 'interleaved' | 'atOnce' | 'last';
  /** Throws when the state in which a schedule ended is wrong. */
  check?(this: void, world: World): void;
  /** Throws when the state after a step is wrong. */
  invariant?(this: void, world: World): void;
  /** The name of a word, for printed schedules. */
  nameOf?(this: void, index: number): string;
  /** True for words whose plain accesses may race. They are then steps, like atomic ones. */
  allowRaces?(this: void, index: number): boolean;
  /**
   * What a plain read of a word of which plain accesses may race sees: what was stored last, or the oldest
   * value that JavaScript's memory model lets it see, as processors do that let a read overtake a write.
   *
   * @defaultValue `latest`
   */
  readonly racyReads?: 'latest' | 'oldest';
  /**
   * Which accesses are steps, between which threads are switched: atomic ones and those that
   * `allowRaces` names, or plain ones too.
   *
   * @defaultValue `atomics`
   */
  readonly points?: 'atomics' | 'all';
  /**
   * A thread that goes this many times around a loop which sees and makes no change is set aside until
   * another thread changes one of the words it read. Must exceed the rounds of every bounded spin loop.
   *
   * @defaultValue 4
   */
  readonly spins?: number;
  /** @defaultValue exhaustive */
  readonly mode?: Mode;
  readonly most?: Limits;
}
