/**
 * The burial of a lane, whose owner is dead for certain. Nobody will settle its tasks: those that no
 * worker has begun are taken back, the others are told to end and waited for, since they still use
 * slices that the owner had leased. What they hand over is adopted, and released.
 */
import type { BufferPools } from '@millrace/core';
import {
  BY_LETTER,
  CANCEL,
  DONE,
  FAILED,
  LEFT,
  ORPHANED,
  RESULT,
  RUNNING,
  laneOf,
} from './layout.js';
import { LaneSignal } from './lane-signal.js';
import { LetterReader } from './letters.js';
import { TaskTable } from './task-table.js';
import { WakeUp } from './wake-up.js';

export interface LaneBurial {
  readonly words: Int32Array;
  readonly lane: number;
  readonly pools: BufferPools;
  /** How long tasks may go on before their threads are ended. */
  readonly graceMs: number;
  readonly onStuck: (worker: number) => void;
}

/** Resolves when no worker is at a task of the lane any more, and the lane can be another's. */
export async function buryLane({
  words,
  lane,
  pools,
  graceMs,
  onStuck,
}: LaneBurial): Promise<void> {
  const layout = laneOf(lane);
  const table = new TaskTable(words, layout);
  const signal = new LaneSignal(words, layout);
  const wakeUp = new WakeUp(words);
  const letters = new LetterReader(words, pools, () => undefined);
  const told = new Set<number>();

  /** The workers that are still at something. */
  const clear = (): Set<number> => {
    const atWork = new Set<number>();
    for (let cell = 0; cell < layout.cells; cell++) {
      if (table.withdraw(cell)) continue;
      const { state, worker } = table.look(cell);
      const at = table.at(cell);
      if (state === RUNNING) {
        atWork.add(worker);
        Atomics.store(words, at + CANCEL, 1);
      } else if (state === DONE || state === LEFT || state === ORPHANED) {
        const kind = words[at + RESULT]!;
        if (state !== ORPHANED && (kind === BY_LETTER || kind === FAILED)) letters.take(at, worker);
        table.free(cell);
      }
    }
    return atWork;
  };

  let grace: NodeJS.Timeout | undefined;
  for (;;) {
    const seen = signal.count;
    signal.ask();
    const atWork = clear();
    if (atWork.size === 0) break;
    for (const worker of atWork) {
      if (!told.has(worker)) wakeUp.call(worker);
      told.add(worker);
    }
    grace ??= setTimeout(() => {
      for (const worker of clear()) onStuck(worker);
    }, graceMs);
    await signal.next(seen);
  }
  clearTimeout(grace);
  signal.stopAsking();
  table.forgetRings();
  wakeUp.closeLane(lane);
}
