/**
 * What is wrong when a thread misbehaves, in words.
 */
import type { Failure } from '../failure.js';
import { NAMES, hasWord, indexOf, isPlain, kindOf } from './operations.js';
import { type Record, SLOT } from './record.js';

const ALONE = 'it must depend on nothing but the words';

/** `who` races with `other`, in the access `head`. */
export function race(who: string, other: string, head: number): Failure {
  const kind = kindOf(head);
  const access = `${isPlain(kind) ? 'plain' : 'atomic'} ${NAMES[kind]}`;
  return {
    code: 'ERR_DATA_RACE',
    message: `${who} and ${other} race on word ${indexOf(head)}: nothing orders this ${access} and an earlier access, of which one is plain and one writes`,
  };
}

/** Run again, `who` did `head` in `slot` instead of what its record tells. */
export function divergence(who: string, record: Record, slot: number, head: number): Failure {
  const recorded = describe(record.words[slot]!);
  return {
    code: 'ERR_DIVERGED',
    message: `${who} diverged: run again, its access ${slot / SLOT} was a ${describe(head)} where it had been a ${recorded}; ${ALONE}`,
  };
}

/** Run again, `who` ended before `slot`, perhaps because it threw `cause`. */
export function earlyEnd(who: string, slot: number, cause: unknown): Failure {
  return {
    code: 'ERR_DIVERGED',
    message: `${who} diverged: run again, it ended before its access ${slot / SLOT}; ${ALONE}`,
    cause,
  };
}

export function tooManyAccesses(who: string, most: number, inCircles: boolean): Failure {
  const count = `more than ${most} accesses ("most.steps")`;
  return inCircles
    ? { code: 'ERR_LIVELOCK', message: `${who} goes round in circles: ${count}` }
    : { code: 'ERR_STEP_LIMIT', message: `${who} made ${count}` };
}

export function thrown(who: string, cause: unknown): Failure {
  return { code: 'ERR_THREAD_THREW', message: `${who} threw: ${messageOf(cause)}`, cause };
}

export function asynchronous(who: string): Failure {
  return {
    code: 'ERR_THREAD_THREW',
    message: `${who} is asynchronous, which cannot be explored`,
  };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe(head: number): string {
  const kind = kindOf(head);
  return hasWord(kind) ? `${NAMES[kind]} of word ${indexOf(head)}` : NAMES[kind]!;
}
