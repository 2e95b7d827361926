/** The types of thread-ops.mjs. */
import type { ResourceLimits } from 'node:worker_threads';
import type { ValueOp } from '@millrace/workers';
import type { Gated } from './ops.mjs';

export interface Whereabouts {
  readonly threadId: number;
  readonly tasks: number;
  readonly name: string;
  readonly nice: number;
  readonly env: string | undefined;
  readonly execArgv: string[];
  readonly resourceLimits: ResourceLimits;
}

export type Death =
  | 'process.exit(0)'
  | 'process.exit(1)'
  | 'an error outside of it'
  | 'a rejection that nobody handles'
  | 'all of its heap used'
  | 'a loop without end';

export const whereabouts: ValueOp<{ variable: string } | undefined, Whereabouts>;
export const hoard: ValueOp<{ numbers: number }, number>;
export const whereLater: ValueOp<void, number>;
export const print: ValueOp<{ lines: number }, void>;
export const die: ValueOp<Gated & { how: Death }, never>;
