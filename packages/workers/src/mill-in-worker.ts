/**
 * `createMill` as the mill's own threads see it. They import this package for the sake of their ops, and
 * would wait for two thirds of its modules in vain: those are loaded when an op creates a mill.
 * Which of the two a thread gets is in package.json's "imports".
 */
import type { Mill } from './mill.js';
import type { MillOptions } from './mill-options.js';

export async function createMill(options?: MillOptions): Promise<Mill> {
  const mill = await import('./mill.js');
  return mill.createMill(options);
}
