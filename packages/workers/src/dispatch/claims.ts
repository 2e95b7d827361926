/**
 * Claims: which task a worker takes next, over all rings of all lanes.
 *
 *   critical, high, tried again, normal, low, then chunks of large operations in the same order
 *
 * So small tasks never wait behind large operations. That no ring starves is a matter of turns: now and
 * then a worker looks at one of the later rings first, at each at least once in 64 claims.
 *
 * The express worker takes small tasks only, and only while all others are at chunks: it has no part in
 * how many threads work, and none in what they do.
 */
import {
  EXPRESS,
  FIRST_BULK_RING,
  LANES,
  MILL_LANE,
  OCCUPIED,
  RETRY_RING,
  SPAN,
  WORKERS,
  laneAt,
  laneOf,
  type LaneLayout,
} from './layout.js';
import { TaskTable } from './task-table.js';

const CRITICAL = 0;
const HIGH = 1;
const NORMAL = 2;
const LOW = 3;

export type Priority = typeof CRITICAL | typeof HIGH | typeof NORMAL | typeof LOW;

/** The ring of a task. */
export function ringOf(priority: Priority, bulk: boolean): number {
  return bulk ? FIRST_BULK_RING + priority : priority;
}

const SMALL = [CRITICAL, HIGH, RETRY_RING, NORMAL, LOW];
const BULK = SMALL.filter((ring) => ring !== RETRY_RING).map((ring) => FIRST_BULK_RING + ring);
const IN_ORDER = [...SMALL, ...BULK];
const TURNS = 64;
const NOBODY = 0;
/** Which ring comes first at a claim: its own turn, if it has one. */
const FIRST_AT = new Map<number, number>([
  [7, NORMAL],
  [15, FIRST_BULK_RING + NORMAL],
  [23, LOW],
  [31, RETRY_RING],
  [39, FIRST_BULK_RING + HIGH],
  [47, HIGH],
  [55, FIRST_BULK_RING + LOW],
  [63, FIRST_BULK_RING + CRITICAL],
]);
const ORDERS: readonly (readonly number[])[] = Array.from({ length: TURNS }, (_, turn) => {
  const first = FIRST_AT.get(turn);
  return first === undefined ? IN_ORDER : [first, ...IN_ORDER.filter((ring) => ring !== first)];
});

/** In which order rings are served at a turn. */
export function ringsAt(turn: number): readonly number[] {
  return ORDERS[turn % TURNS]!;
}

export class Claims {
  readonly #words: Int32Array;
  readonly #worker: number;
  readonly #layoutOf: (lane: number) => LaneLayout;
  readonly #tables: (TaskTable | undefined)[] = [];
  #turn = 0;
  /** Where to begin among the lanes, so that each gets its turn. */
  #firstLane = 0;

  /** @param layoutOf where the lanes lie; explorations have smaller ones */
  constructor(words: Int32Array, worker: number, layoutOf: (lane: number) => LaneLayout = laneOf) {
    this.#words = words;
    this.#worker = worker;
    this.#layoutOf = layoutOf;
  }

  /** The lane in which the cell at `at` lies. */
  tableAt(at: number): TaskTable {
    return this.#table(laneAt(at));
  }

  /** Claims a task; where its cell is, −1 when there is none. */
  next(): number {
    const express = this.#isExpress;
    if (express && !allOccupied(this.#words)) return -1;
    const rings = express ? SMALL : ringsAt(this.#turn);
    const only = this.#onlyTheMills ? this.#table(MILL_LANE) : undefined;
    const used = only ? only.used : ~0;
    for (const ring of rings) {
      if (((used >>> ring) & 1) === 0) continue;
      const at = only ? only.claim(ring, this.#worker, express) : this.#claimIn(ring, express);
      if (at < 0) continue;
      this.#turn++;
      return at;
    }
    return -1;
  }

  /** Like {@link next}, but no chunk of a large operation. */
  nextSmall(): number {
    for (const ring of SMALL) {
      const at = this.#claimIn(ring, true);
      if (at >= 0) return at;
    }
    return -1;
  }

  /** Whether something waits that this worker would take. */
  get waiting(): boolean {
    const express = this.#isExpress;
    if (express && !allOccupied(this.#words)) return false;
    return this.#someTable((table) => table.waitingFor(this.#worker, express));
  }

  /** Whether something waits that any worker might take. */
  get anyWaiting(): boolean {
    return this.#someTable((table) => table.waiting);
  }

  /** Whether a small task waits. */
  get smallWaiting(): boolean {
    return this.#someTable((table) => table.waitingFor(NOBODY, true));
  }

  get #isExpress(): boolean {
    return Atomics.load(this.#words, EXPRESS) === this.#worker;
  }

  /** Most mills have one lane. */
  get #onlyTheMills(): boolean {
    const words = this.#words;
    return Atomics.load(words, SPAN) === 1 && Atomics.load(words, LANES) === 1 << MILL_LANE;
  }

  #claimIn(ring: number, smallOnly: boolean): number {
    const count = Atomics.load(this.#words, SPAN) * 32;
    for (let i = 0; i < count; i++) {
      const lane = (this.#firstLane + i) % count;
      if (!this.#inUse(lane)) continue;
      const table = this.#table(lane);
      if (((table.used >>> ring) & 1) === 0) continue;
      const at = table.claim(ring, this.#worker, smallOnly);
      if (at < 0) continue;
      this.#firstLane = (lane + 1) % count;
      return at;
    }
    return -1;
  }

  #someTable(fits: (table: TaskTable) => boolean): boolean {
    if (this.#onlyTheMills) return fits(this.#table(MILL_LANE));
    const count = Atomics.load(this.#words, SPAN) * 32;
    for (let lane = 0; lane < count; lane++) {
      if (this.#inUse(lane) && fits(this.#table(lane))) return true;
    }
    return false;
  }

  #inUse(lane: number): boolean {
    return ((Atomics.load(this.#words, LANES + (lane >>> 5)) >>> (lane & 31)) & 1) !== 0;
  }

  #table(lane: number): TaskTable {
    return (this.#tables[lane] ??= new TaskTable(this.#words, this.#layoutOf(lane)));
  }
}

/** Whether all workers but the express one are at chunks of large operations. */
export function allOccupied(words: Int32Array): boolean {
  const express = Atomics.load(words, EXPRESS);
  const span = Atomics.load(words, SPAN);
  for (let w = 0; w < span; w++) {
    const others =
      Atomics.load(words, WORKERS + w) & ~(express >>> 5 === w ? 1 << (express & 31) : 0);
    if ((others & ~Atomics.load(words, OCCUPIED + w)) !== 0) return false;
  }
  return true;
}

/** Whether there are two workers or more that take any task. */
export function manyWorkers(words: Int32Array): boolean {
  const span = Atomics.load(words, SPAN);
  // Whom the express worker would have to wait for is no choice.
  let count = Atomics.load(words, EXPRESS) === 0 ? 0 : -1;
  for (let w = 0; w < span && count < 2; w++) {
    let bits = Atomics.load(words, WORKERS + w);
    for (; bits !== 0; bits &= bits - 1) count++;
  }
  return count > 1;
}
