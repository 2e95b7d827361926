/**
 * Seeds: a schedule as a short text, run by run.
 *
 *   a3    thread 0 makes three steps; its sweeper's letter follows those of all threads
 *   !b    thread 1 is killed
 *   ~b    the wait of thread 1 times out
 */
import { DIE, GO, TIME_OUT, actorOf, processOf, wayOf } from '../machine/actors.js';

const MARKS: readonly string[] = ['', '~', '!'];
const FIRST_LETTER = 97;

export function seedOf(actors: ArrayLike<number>, length: number): string {
  let seed = '';
  for (let i = 0; i < length;) {
    const actor = actors[i]!;
    let run = 1;
    while (i + run < length && actors[i + run] === actor) run++;
    seed += MARKS[wayOf(actor)]! + String.fromCharCode(FIRST_LETTER + processOf(actor));
    if (run > 1) seed += String(run);
    i += run;
  }
  return seed;
}

/** @throws RangeError when it is no seed */
export function actorsIn(seed: string): number[] {
  const actors: number[] = [];
  let end = 0;
  for (const match of seed.matchAll(/([~!]?)([a-h])(\d*)/gy)) {
    const [text, mark, letter, run] = match;
    const way = mark === '!' ? DIE : mark === '~' ? TIME_OUT : GO;
    const actor = actorOf(way, letter!.charCodeAt(0) - FIRST_LETTER);
    for (let i = Number(run || 1); i > 0; i--) actors.push(actor);
    end = match.index + text.length;
  }
  if (end === seed.length) return actors;
  throw new RangeError(`Cannot replay "${seed}" as it is no seed from "${seed.slice(end)}" on`);
}
