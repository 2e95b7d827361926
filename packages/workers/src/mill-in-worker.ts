/**
 * `createMill` and `attachMill` as the mill's own threads see them. They import this package for the sake of
 * their ops, and would load two thirds of it in vain: that is done when an op calls one of these.
 * Which of the two a thread gets is in package.json's "imports".
 */
import { createRequire } from 'node:module';
import type { MillHandle } from './branches.js';
import type { MillBranch } from './mill-branch.js';
import type { MillOptions } from './mill-options.js';
import type { Mill } from './mill.js';

export async function createMill(options?: MillOptions): Promise<Mill> {
  const mill = await import('./mill.js');
  return mill.createMill(options);
}

/** It is not asynchronous, and so cannot wait for an import. */
export function attachMill(handle: MillHandle): MillBranch {
  const branch = createRequire(import.meta.url)('./joined/branch.cjs') as {
    attachMill: (handle: MillHandle) => MillBranch;
  };
  return branch.attachMill(handle);
}
