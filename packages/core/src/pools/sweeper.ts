/**
 * The sweeper: returns everything that a dead thread held, while others go on leasing.
 *
 * It goes by the slots' and slabs' own words; what lies in magazines and bitmaps is only an index. All
 * it does can be done again: a sweeper that dies leaves the thread as SWEEPING, and whoever sweeps the
 * sweeper begins that sweep anew.
 */
import { MillraceError } from '../errors.js';
import { LINE, THREAD_INTENT, slotRef, type SlotRef } from '../memory/layout.js';
import { EMPTY, slabPoolOf, slabStateOf } from '../memory/slab-word.js';
import type { Sharing } from '../slices/sharing.js';
import type { SlabLife } from '../slices/slab-life.js';
import type { SlabRuns } from '../slices/slab-runs.js';
import { CACHED, LIVE, RETURNING, isHeld } from '../slices/slot-word.js';
import type { ThreadId, ThreadRegistry } from '../threads/registry.js';
import type { PoolContext, SlotPool } from './slot-pool.js';
import type { WaitingRoom } from './waiting-room.js';

/** What a sweep works on. */
export interface Sweepable extends PoolContext {
  readonly registry: ThreadRegistry;
  readonly pools: readonly SlotPool[];
  readonly life: SlabLife;
  readonly runs: SlabRuns;
  readonly sharing: Sharing;
  readonly waiting: WaitingRoom;
  /** Ends the lease whose word is `word`; false when the word has changed. */
  readonly end: (ref: SlotRef, word: number) => boolean;
}

/**
 * Sweeps `dead`, which its `owner` has buried or died with.
 *
 * @returns how many leases that ended
 * @throws MillraceError `ERR_INVALID_ARG` when a thread sweeps itself
 */
export function sweep(memory: Sweepable, dead: ThreadId, owner: number): number {
  const { registry, thread } = memory;
  if (dead === thread) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot sweep thread ${dead} as it is the one that sweeps, and lives`,
    );
  }
  registry.bury(dead, owner);
  return registry.beginSweep(dead, thread) ? sweepWhole(memory, dead) : 0;
}

function sweepWhole(memory: Sweepable, dead: ThreadId): number {
  const { registry, thread, pools, waiting } = memory;
  let swept = 0;
  for (let slab = 0; slab < memory.layout.slabs; slab++) swept += sweepSlab(memory, slab, dead);
  for (const pool of pools) pool.forget(dead);
  for (const unfinished of registry.sweptBy(dead)) {
    if (registry.takeOverSweep(unfinished, dead, thread)) swept += sweepWhole(memory, unfinished);
  }
  // It may have buried another and died before it began that sweep.
  for (const buried of registry.buried()) {
    if (registry.beginSweep(buried, thread)) swept += sweepWhole(memory, buried);
  }
  Atomics.store(memory.words, intentAt(memory, dead), 0);
  waiting.sweep(dead);
  registry.recycle(dead, thread);
  return swept;
}

function sweepSlab(memory: Sweepable, slab: number, dead: ThreadId): number {
  const { life, runs, pools, words } = memory;
  runs.sweep(slab, dead);
  life.sweep(slab, dead);
  const word = life.wordOf(slab);
  const intended = Atomics.load(words, intentAt(memory, dead)) === slab + 1;
  let slots = pools[slabPoolOf(word)]?.list.slotsPerSlab ?? 1;
  // The slab may have changed its class since the dead thread looked at it.
  if (intended) slots = Math.max(...pools.map(({ list }) => list.slotsPerSlab));
  else if (slabStateOf(word) === EMPTY) return 0;
  let swept = 0;
  for (let slot = 0; slot < slots; slot++) {
    if (sweepSlot(memory, slotRef(slab, slot), dead)) swept++;
  }
  return swept;
}

/** Whether a lease ended with that. */
function sweepSlot(memory: Sweepable, ref: SlotRef, dead: ThreadId): boolean {
  const { words, sharing } = memory;
  const { list } = memory.pools[0]!;
  const word = Atomics.load(words, list.wordAt(ref));
  let ended = false;
  if (isHeld(word, CACHED, dead)) list.give(ref, word);
  else if (isHeld(word, LIVE, dead) || isHeld(word, RETURNING, dead)) ended = memory.end(ref, word);
  else list.show(ref);
  // It may have sat down on any slot, and died before it knew whose that is.
  ended = sharing.sweep(ref, dead) || ended;
  if (ended) memory.count.swept();
  return ended;
}

function intentAt({ layout }: Sweepable, dead: ThreadId): number {
  return layout.threadsAt + dead * LINE + THREAD_INTENT;
}
