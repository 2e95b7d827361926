/**
 * A lane to explore: two cells, and its owner and its workers as the mill has them.
 *
 *   words 0 …     the dispatch block's bitmaps and the workers' lines
 *   words NOTES   notes, a plain word a task: how often it was run, and by whom
 *   words LANE    the lane
 *
 * Workers are 1, 2 and 3: the threads of a case behind its owner, who is thread 0. The owner does what
 * `dispatcher.ts` and `cells.ts` do, the worker what `drain.ts` does, without what cannot be explored:
 * messages, promises, and ops.
 */
import {
  AVOID,
  Claims,
  BULK,
  CONFIG,
  FIRST_BULK_RING,
  FLAGS,
  FREE,
  LEFT,
  LaneSignal,
  Lookout,
  ORPHANED,
  READY,
  RINGS,
  SIGNAL,
  SIZE,
  TaskTable,
  WakeUp,
  laneLayout,
  laneOf,
} from '@millrace/workers/internal';
import type { World } from '@millrace/interleave';
import { ensure } from './exploring.ts';

const CELLS = 2;
const MOST_TASKS = 8;
export const WORKERS = [1, 2, 3];
/** The worker that looks when all is over. */
const OBSERVER = 4;

/** Where the dispatch block ends that lies before all lanes. */
const BLOCK_END = laneOf(0).at;
export const NOTES = BLOCK_END;
export const LANE = laneLayout(NOTES + 2 * MOST_TASKS, CELLS, WORKERS.length + 1);
export const WORDS = LANE.end;
export const layoutOf = () => LANE;

const RESULT_OF = 100;

export function tableOf(words: Int32Array): TaskTable {
  return new TaskTable(words, LANE);
}

/** Plain accesses that race on purpose: whoever reads these words finds out by a compare-and-exchange whether they were right. */
export function racesOnPurpose(index: number): boolean {
  if (index >= LANE.ringsAt && index < LANE.doneAt) return true;
  if (index < LANE.cellsAt) return false;
  const word = (index - LANE.cellsAt) % ((LANE.end - LANE.cellsAt) / CELLS);
  return word === FLAGS || word === AVOID;
}

export interface Settled {
  readonly task: number;
  /** Its worker finished it, or died over it. */
  readonly how: 'done' | 'orphaned';
}

/** The owner of the lane. */
export class Owner {
  readonly table: TaskTable;
  readonly signal: LaneSignal;
  /** Tasks that were published, and not taken back. */
  readonly published: number[];
  readonly settled: Settled[];
  readonly #words: Int32Array;
  readonly #free: number[];
  readonly #tasks: (number | undefined)[];
  readonly #reaped: number[];
  #orphans: number;

  /** @param from goes on from where this one has come to, and leaves it as it is */
  constructor(words: Int32Array, from?: Owner) {
    this.#words = words;
    this.table = tableOf(words);
    this.signal = new LaneSignal(words, LANE);
    this.published = from ? [...from.published] : [];
    this.settled = from ? [...from.settled] : [];
    this.#free = from ? [...from.#free] : [1, 0];
    this.#tasks = from ? [...from.#tasks] : [undefined, undefined];
    // A former owner may have left the lists at any position.
    this.#reaped = from ? [...from.#reaped] : [0, ...WORKERS.map((id) => this.table.doneTail(id))];
    this.#orphans = from ? from.#orphans : this.signal.orphans;
  }

  get inFlight(): number {
    return this.#tasks.filter((task) => task !== undefined).length;
  }

  /** Publishes the task; its cell, or −1 when there is no room. */
  offer(task: number, ring = 0, avoid = 0, bulk = ring >= FIRST_BULK_RING): number {
    if (!this.table.makeRoom(ring)) return -1;
    const cell = this.#free.pop();
    if (cell === undefined) return -1;
    this.#tasks[cell] = task;
    const at = this.table.at(cell);
    this.#words[at + CONFIG] = task;
    this.#words[at + FLAGS] = bulk ? BULK : 0;
    this.#words[at + AVOID] = avoid;
    this.published.push(task);
    this.table.publish(cell, ring);
    return cell;
  }

  /** Takes the task back; false when a worker has it. */
  withdraw(cell: number): boolean {
    if (!this.table.withdraw(cell)) return false;
    this.published.splice(this.published.indexOf(this.#tasks[cell]!), 1);
    this.#empty(cell);
    return true;
  }

  /** Settles what was finished, and what the dead have left. How many it was. */
  reap(): number {
    let settled = 0;
    for (const worker of WORKERS) settled += this.#reapFrom(worker);
    if (this.signal.orphans !== this.#orphans) settled += this.takeInDeaths();
    return settled;
  }

  takeInDeaths(): number {
    this.#orphans = this.signal.orphans;
    let settled = 0;
    for (const worker of WORKERS) settled += this.#reapFrom(worker);
    for (const cell of this.#tasks.keys()) {
      if (this.#tasks[cell] === undefined) continue;
      const { state } = this.table.look(cell);
      if (state === LEFT) this.#settle(cell, 'done');
      else if (state === ORPHANED) this.#settle(cell, 'orphaned');
      else continue;
      settled++;
    }
    return settled;
  }

  /** Rests until a worker has finished something, or one has died. */
  rest(): void {
    const seen = this.signal.count;
    this.signal.ask();
    if (this.reap() > 0) this.signal.stopAsking();
    else Atomics.wait(this.#words, LANE.at + SIGNAL, seen);
  }

  #reapFrom(worker: number): number {
    const tail = this.table.doneTail(worker);
    let settled = 0;
    while (this.#reaped[worker] !== tail) {
      const cell = this.table.doneCell(worker, this.#reaped[worker]!++);
      if (!this.table.isDoneBy(cell, worker)) continue;
      this.#settle(cell, 'done');
      settled++;
    }
    return settled;
  }

  #settle(cell: number, how: Settled['how']): void {
    const task = this.#tasks[cell];
    if (task === undefined) throw new Error(`Cell ${cell} comes back twice`);
    if (how === 'done') {
      const result = this.#words[this.table.at(cell) + SIZE];
      ensure(result === RESULT_OF + task, `Task ${task} has the result ${result}`);
    }
    this.settled.push({ task, how });
    this.table.free(cell);
    this.#empty(cell);
  }

  #empty(cell: number): void {
    this.#tasks[cell] = undefined;
    this.#free.push(cell);
  }
}

/** Runs the task in the cell at `at`, does `last` before it says that it is done, and returns it. */
export function perform(words: Int32Array, at: number, worker: number, last?: () => void): number {
  const task = words[at + CONFIG]!;
  words[NOTES + 2 * task]!++;
  words[NOTES + 2 * task + 1] = worker;
  words[at + SIZE] = RESULT_OF + task;
  last?.();
  tableOf(words).finish(at, worker);
  return task;
}

/** All that a worker can have of a ring that is to avoid nothing. */
function claimsIn(table: TaskTable, ring: number): number[] {
  const claimed: number[] = [];
  for (let at = table.claim(ring, OBSERVER); at >= 0; at = table.claim(ring, OBSERVER)) {
    claimed.push(at);
  }
  return claimed;
}

const byNumber = (a: number, b: number): number => a - b;

/** How often the task was run. */
export function runsOf(raw: Int32Array, task: number): number {
  return raw[NOTES + 2 * task]!;
}

/**
 * What was published and not taken back is settled once or still waits; what was settled as done ran; what
 * waits was never begun, and can be had. Settles what is left to settle before.
 */
export function isWhole({ words, raw, results }: World): void {
  // Unless the owner itself has died: there is nobody to tell.
  if (!results[0]) return;
  const owner = new Owner(words, results[0] as Owner);
  owner.takeInDeaths();
  const { published } = owner;
  const ready = [0, 1].filter((cell) => owner.table.look(cell).state === READY);
  const waiting = ready.map((cell) => words[owner.table.at(cell) + CONFIG]!);
  const ended = owner.settled.map(({ task }) => task);
  const all = [...waiting, ...ended].sort(byNumber);
  ensure(
    all.join() === [...published].sort(byNumber).join(),
    `${published.join()} were published, ${ended.join()} have ended, ${waiting.join()} wait`,
  );
  for (const { task, how } of owner.settled) {
    const runs = runsOf(raw, task);
    ensure(how === 'done' ? runs === 1 : runs <= 1, `Task ${task} ran ${runs} times`);
  }
  for (const task of waiting) ensure(runsOf(raw, task) === 0, `Task ${task} waits and ran`);
  const claimed = Array.from({ length: RINGS }, (_, ring) => claimsIn(owner.table, ring)).flat();
  ensure(claimed.length === waiting.length, `${waiting.join()} wait, ${claimed.length} can be had`);
  for (const cell of [0, 1].filter((each) => !ready.includes(each))) {
    const { state } = owner.table.look(cell);
    ensure(state === FREE, `Cell ${cell} is left in state ${state}`);
  }
}

/** What a worker does until the mill closes; it looks once when it spins, and does `atChunk` at chunks. Returns what it has run. */
export function drain(
  words: Int32Array,
  me: number,
  spinners: number,
  atChunk?: () => void,
): number[] {
  const claims = new Claims(words, me, layoutOf);
  const wakeUp = new WakeUp(words);
  const signal = new LaneSignal(words, LANE);
  const once = { until: (attempt: () => number) => attempt(), woken() {} };
  const lookout = new Lookout(claims, wakeUp, me, spinners, once);
  const tasks: number[] = [];
  for (;;) {
    const at = lookout.next(true);
    if (at >= 0) {
      if (wakeUp.someoneSleeps && claims.anyWaiting) wakeUp.wakeOne();
      const bulk = (words[at + FLAGS]! & BULK) !== 0;
      if (bulk && wakeUp.occupy(me) && claims.smallWaiting) wakeUp.wakeOne();
      if (bulk) atChunk?.();
      tasks.push(perform(words, at, me, () => lookout.ahead()));
      if (bulk) wakeUp.vacate(me);
      signal.signal();
    } else if (wakeUp.closing) {
      return tasks;
    } else {
      if (claims.anyWaiting && !claims.waiting) wakeUp.wakeOne();
      lookout.announce(false);
      if (!claims.waiting && !wakeUp.closing) {
        wakeUp.park(me);
        lookout.woken();
      }
      wakeUp.withdraw(me);
    }
  }
}
