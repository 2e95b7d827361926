/** Warmth: modules of ops that threads import before a task needs them. */

/** Where an op is to be found; every op is one. */
export interface OpAddress {
  readonly url: string;
  readonly name: string;
}

/** Main → worker: what to import, by message or with the welcome. */
export interface Warmth {
  readonly type: 'warmth';
  /** Counts up with each; 0 for nothing to import. */
  readonly number: number;
  readonly ops: readonly OpAddress[];
}

/** Worker → main: it is done, or `trouble` says why one of them could not be imported. */
export interface Warm {
  readonly millrace: 'warm';
  readonly number: number;
  readonly trouble: string | undefined;
}
