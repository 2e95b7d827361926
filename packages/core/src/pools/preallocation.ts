/**
 * Preallocation: opens slabs and touches their pages before they are needed, so that whoever leases them
 * meets no page that the system has yet to find and clear.
 *
 * It goes in steps, each shorter than a millisecond: a 4 MiB slab takes about as long as that.
 */
import { SLAB_BYTES } from '../memory/layout.js';
import { PAGE_BYTES } from '../memory/geometry.js';
import type { SlabTable } from '../memory/slab-table.js';
import type { SlabLife } from '../slices/slab-life.js';

const STEP_MS = 0.5;
/** So many pages are touched between two looks at the clock: some 30 to 60 µs. */
const PAGES_AT_ONCE = 64;

export class Preallocation {
  readonly #table: SlabTable;
  readonly #life: SlabLife;
  /** Pools to open a slab for. */
  readonly #pools: number[];
  /** Slabs to touch; of the first, the pages before `#page` have been. */
  readonly #slabs: number[];
  readonly #whole: boolean;
  #page = 0;
  #touchedBytes = 0;

  /**
   * @param pools open a slab each, where slabs are left
   * @param whole whether all slabs are touched, or those alone
   */
  constructor(table: SlabTable, life: SlabLife, pools: readonly number[], whole: boolean) {
    this.#table = table;
    this.#life = life;
    this.#pools = [...pools];
    this.#whole = whole;
    this.#slabs = whole ? Array.from({ length: table.layout.slabs }, (_, slab) => slab) : [];
  }

  /** How much it will take at most. */
  get bytes(): number {
    const { slabs } = this.#table.layout;
    return SLAB_BYTES * (this.#whole ? slabs : Math.min(slabs, this.#pools.length));
  }

  get touchedBytes(): number {
    return this.#touchedBytes;
  }

  /**
   * Goes on for a moment.
   *
   * @returns whether something is left to do
   * @throws MillraceError `ERR_ARENA_UNAVAILABLE` when the system refuses
   */
  step(): boolean {
    const untilMs = performance.now() + STEP_MS;
    do {
      const pool = this.#pools.shift();
      if (pool !== undefined) this.#open(pool);
      else if (this.#slabs.length > 0) this.#touch(this.#slabs[0]!);
      else return false;
    } while (performance.now() < untilMs);
    return true;
  }

  #open(pool: number): void {
    if (this.#life.count(pool) > 0) return;
    const slab = this.#life.open(pool);
    if (slab !== undefined && !this.#whole) this.#slabs.push(slab);
  }

  #touch(slab: number): void {
    this.#table.arenas.ensure(slab);
    const bytes = this.#table.slabBytes(slab, SLAB_BYTES);
    const end = Math.min((this.#page + PAGES_AT_ONCE) * PAGE_BYTES, SLAB_BYTES);
    // A write that changes nothing, as the slot may be lent by now.
    for (let at = this.#page * PAGE_BYTES; at < end; at += PAGE_BYTES) Atomics.or(bytes, at, 0);
    this.#page += PAGES_AT_ONCE;
    if (end < SLAB_BYTES) return;
    this.#touchedBytes += SLAB_BYTES;
    this.#slabs.shift();
    this.#page = 0;
  }
}
