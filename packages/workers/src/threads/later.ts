/** Loads what a thread seldom needs, once: at that moment, as what asks for it may not be asynchronous. */
import { createRequire } from 'node:module';
import type * as seldomUsed from './seldom.js';

let loaded: typeof seldomUsed | undefined;

export function seldom(): typeof seldomUsed {
  return (loaded ??= createRequire(import.meta.url)('../joined/seldom.cjs') as typeof seldomUsed);
}
