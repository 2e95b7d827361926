/**
 * A memory to explore: the pools' structures over explored words, with slabs of a few slots.
 *
 * Bytes play no part: what races are the words. Notes lie in the header, which these structures do not
 * read. Threads 1 … 4 are those of the case, 5 … 8 sweep up after them, 9 looks when all is over.
 */
import type { ThreadId } from '@millrace/core';
import {
  ATTENTION,
  CACHED,
  CLASS_COUNT,
  DRAINING,
  EMPTY,
  FREE,
  Geometry,
  LINE,
  LIVE,
  OPEN,
  PoolRoom,
  SEAT_WORDS,
  SLAB_BITMAP,
  SLAB_WORDS,
  SLOT_SEATS,
  THREAD_INTENT,
  THREAD_STATE,
  WAITING,
  WAITING_ROOM_WORDS,
  WaitingRoom,
  controlLayout,
  holderOf,
  slabOf,
  slabPoolOf,
  slabStateOf,
  slotRef,
  stateOf,
  sweep,
  type PoolSettings,
  type SlabTable,
  type SliceKeeper,
  type SlotRef,
} from '@millrace/core/internal';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { OBSERVER, endsWith, ensure, idOf, parking, sweeperOf } from './exploring.ts';

/** Size classes: one slot a slab, two, and two that also go through magazines. */
export const WHOLE = 7;
export const HALF = 6;
export const SMALL = 5;
export const TINY = 4;

/** Slots in a slab, by size class. */
const SLOTS = [1, 1, 1, 1, 2, 2, 2, 1];
const MOST_SLOTS = 2;
/** Where notes begin: words of the header. */
export const NOTES = 8;

const SETTINGS: PoolSettings = {
  reserveSlabs: 0,
  growthFactor: 1,
  maxSlabsPerClass: 100,
  shrinkThreshold: 0.5,
  maxAgeTicks: 0,
  safety: 'off',
};

class FewSlots extends Geometry {
  override readonly slots = SLOTS;
}

/** What a thread holds: a slot, and the word that proves it. */
export interface Lease {
  readonly ref: SlotRef;
  readonly lease: number;
}

export class Memory {
  readonly slabs: number;
  readonly #layout;
  readonly #geometry = new FewSlots(0);

  constructor(slabs: number) {
    this.slabs = slabs;
    this.#layout = controlLayout(slabs, 0, WAITING_ROOM_WORDS);
  }

  /** The memory as `thread` sees it; to be made anew in each schedule. */
  roomOf(words: Int32Array, thread: ThreadId): PoolRoom {
    const table = {
      words,
      layout: this.#layout,
      geometry: this.#geometry,
      arenas: { ensure: () => {} },
    };
    return new PoolRoom(table as unknown as SlabTable, thread, SETTINGS, parking);
  }

  /** What is common to all cases. */
  case(
    setup: (of: (thread: ThreadId) => PoolRoom) => void = () => {},
  ): Omit<Case, 'name' | 'threads'> {
    return {
      words: this.#layout.words,
      setup: ({ words }) => {
        WaitingRoom.init(words, this.#layout);
        for (let id = 1; id <= OBSERVER; id++) this.roomOf(words, OBSERVER).registry.register(id);
        setup((thread) => this.roomOf(words, thread));
      },
      sweep: ({ words, thread }) => {
        const room = this.roomOf(words, sweeperOf(thread));
        sweep(room, idOf(thread), idOf(thread));
      },
      check: (world) => this.ensureWhole(world),
      nameOf: (index) => this.nameOf(index),
      // A release looks at it plainly.
      allowRaces: (index) => index === ATTENTION,
      // To look for room, a thread reads the words of few slabs many times, and does not wait.
      spins: 32,
    };
  }

  thread({ words, thread }: ThreadContext): PoolRoom {
    return this.roomOf(words, idOf(thread));
  }

  /**
   * All is as it must be when all is over: nothing is leased but `live` slots, all others are FREE and in
   * sight, or lie with a thread that lives; no seat, claim or intent is left; the counts are even; and
   * all memory can be leased.
   */
  ensureWhole(world: World, live = 0, gone: readonly number[] = []): void {
    this.ensureTidy(world, live, gone);
    const room = this.roomOf(world.words, OBSERVER);
    let leased = 0;
    while (room.pools[WHOLE]!.lend(1) !== undefined || takeRetired(room)) leased++;
    if (live === 0) ensure(leased === this.slabs, `${leased} of ${this.slabs} slabs can be leased`);
  }

  ensureTidy(world: World, live: number, gone: readonly number[]): void {
    const { raw, killed } = world;
    const { slabsAt, slotsAt, threadsAt } = this.#layout;
    let leased = 0;
    for (let slab = 0; slab < this.slabs; slab++) {
      const at = slabsAt + slab * SLAB_WORDS;
      const state = slabStateOf(raw[at]!);
      const known = state === EMPTY || state === OPEN || state === DRAINING;
      ensure(known || live > 0, `Slab ${slab} is left in state ${state}`);
      for (let slot = 0; slot < MOST_SLOTS; slot++) {
        const word = slotsAt + slotRef(slab, slot) * LINE;
        const of = stateOf(raw[word]!);
        const bit = (raw[at + SLAB_BITMAP]! >>> slot) & 1;
        // The bits of a slab that serves nothing are cleared when it is opened.
        const free = of === FREE && state !== EMPTY && slot < SLOTS[slabPoolOf(raw[at]!)]!;
        ensure(!free || bit === 0, `Slot ${slot} of slab ${slab} is FREE and out of sight`);
        ensure(
          of !== CACHED || !killed.includes(holderOf(raw[word]!) - 1),
          `Slot ${slot} of slab ${slab} lies with the dead`,
        );
        if (of === FREE || of === CACHED) {
          for (let i = 0; i < SEAT_WORDS; i++) {
            ensure(
              raw[word + SLOT_SEATS + i] === 0,
              `A seat is left in slot ${slot} of slab ${slab}`,
            );
          }
        } else leased++;
      }
    }
    ensure(leased === live, `${leased} slots are leased`);
    for (let id = 1; id <= OBSERVER; id++) {
      const record = threadsAt + id * LINE;
      ensure(raw[record + THREAD_INTENT] === 0, `Thread ${id} leaves an intent`);
      const dead = killed.includes(id - 1) || gone.includes(id);
      ensure((raw[record + THREAD_STATE] === 0) === dead, `Thread ${id} is in the wrong state`);
    }
    this.ensureLent(world, live);
    ensure(raw[ATTENTION] === 0, `${raw[ATTENTION]} wait`);
    for (let c = 0; c < CLASS_COUNT; c++) ensure(raw[WAITING + c] === 0, `They wait for ${c}`);
  }

  /** Whether the id of `thread` is free. */
  isGone({ raw }: World, thread: ThreadId): boolean {
    return raw[this.recordOf(thread)] === 0;
  }

  /** Whether nobody has buried `thread`. */
  isAlive({ raw }: World, thread: ThreadId): boolean {
    return (raw[this.recordOf(thread)]! & 3) === 1;
  }

  /** Whether slot 0 is leased. */
  isLent({ raw }: World): boolean {
    return stateOf(raw[this.#layout.slotsAt]!) === LIVE;
  }

  recordOf(id: number): number {
    return this.#layout.threadsAt + id * LINE;
  }

  /** So many slots are leased. */
  ensureLent({ words }: World, live: number): void {
    const { live: found } = this.roomOf(words, OBSERVER).count.sums();
    ensure(found === live, `${found} leases last`);
  }

  nameOf(index: number): string {
    const { slabsAt, slotsAt, threadsAt, magazinesAt, extraAt } = this.#layout;
    if (index >= slotsAt) {
      const ref = Math.floor((index - slotsAt) / LINE);
      return `slot ${ref >>> 10}.${ref & 1023}+${(index - slotsAt) % LINE}`;
    }
    if (index >= extraAt) return `waiting room+${index - extraAt}`;
    if (index >= slabsAt) {
      const word = (index - slabsAt) % SLAB_WORDS;
      const slab = Math.floor((index - slabsAt) / SLAB_WORDS);
      return word === 0 ? `slab ${slab}` : `slab ${slab}+${word}`;
    }
    if (index >= magazinesAt) return `magazine+${index - magazinesAt}`;
    if (index >= threadsAt) {
      return `thread ${Math.floor((index - threadsAt) / LINE)}+${(index - threadsAt) % LINE}`;
    }
    return index === ATTENTION ? 'ATTENTION' : `word ${index}`;
  }
}

/** Another class may have the slabs, and threads that live may keep slots in magazines: those can be had too. */
function takeRetired(room: PoolRoom): boolean {
  for (let slab = 0; slab < room.layout.slabs; slab++) room.life.retire(slab);
  return room.pools[WHOLE]!.lend(1) !== undefined;
}

/** Leases a slot of `sizeClass`, which must be of that size, and writes to it. */
export function take(room: PoolRoom, sizeClass: number): Lease | undefined {
  const slice = room.pools[sizeClass]!.lend(1);
  if (slice === undefined) return undefined;
  const { ref, lease } = slice;
  const serves = slabPoolOf(room.life.wordOf(slabOf(ref)));
  ensure(serves === sizeClass, `A slot of class ${sizeClass} lies in a slab of class ${serves}`);
  return holding(room, { ref, lease });
}

/** Writes to the leased slot plainly: if two hold it at a time, that is a data race, which is reported. */
export function holding(room: PoolRoom, held: Lease): Lease {
  room.words[room.layout.slotsAt + held.ref * LINE + LINE - 1] = room.thread;
  return held;
}

/** Ends a lease as slices do; false when it had ended. */
export function give(room: PoolRoom, { ref, lease }: Lease, sizeClass: number): boolean {
  return ends(room, room.pools[sizeClass]!, ref, lease);
}

function ends(room: PoolRoom, keeper: SliceKeeper, ref: SlotRef, lease: number): boolean {
  return !endsWith('ERR_SLICE_STALE', () => {
    if (keeper.takeBack(ref, lease)) room.waiting.call();
  });
}

/** Leases two slabs in a row. */
export function takeRun(room: PoolRoom): Lease | undefined {
  const ref = room.acquireRun(RUN_BYTES, false);
  return ref === undefined ? undefined : holding(room, { ref, lease: room.runs.lease });
}

export function giveRun(room: PoolRoom, { ref, lease }: Lease): boolean {
  return ends(room, room, ref, lease);
}

const RUN_BYTES = 5 * 1024 * 1024;

/** Leases and releases so many times. */
export const lends =
  (memory: Memory, sizeClass: number, rounds = 1): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    for (let i = 0; i < rounds; i++) {
      const held = take(room, sizeClass);
      if (held) ensure(give(room, held, sizeClass), 'A lease has ended before its release');
    }
  };

/** Holds two at a time. */
export const lendsTwo =
  (memory: Memory, sizeClass: number): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    const first = take(room, sizeClass);
    const second = take(room, sizeClass);
    if (first) give(room, first, sizeClass);
    if (second) give(room, second, sizeClass);
  };

/** Leases and releases a run of two slabs. */
export const lendsRun =
  (memory: Memory): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    const held = takeRun(room);
    if (held) ensure(giveRun(room, held), 'A lease has ended before its release');
  };

/** The slabs that are open when a case begins, by the classes they serve. */
export function opened(memory: Memory, ...classes: number[]): Omit<Case, 'name' | 'threads'> {
  return memory.case((of) => {
    for (const sizeClass of classes) of(OBSERVER).life.open(sizeClass);
  });
}
